-- The key vault has its own schema, apart from events and read models, for its own privileges.
CREATE SCHEMA personal_data;

-- One row for each data key that ever existed. A retired key still decrypts, but encrypts nothing
-- more. A destroyed key has lost its key material.
CREATE TABLE personal_data.data_keys (
    key_id uuid NOT NULL,
    subject text COLLATE "C" NOT NULL,
    master_key_id text COLLATE "C" NOT NULL,
    wrapped bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz,
    destroyed_at timestamptz,
    CONSTRAINT data_keys_key PRIMARY KEY (key_id),
    CONSTRAINT data_keys_destroyed_check CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL)),
    CONSTRAINT data_keys_retired_check CHECK (destroyed_at IS NULL OR retired_at IS NOT NULL)
);

-- A subject has at most one active key: processes that create one concurrently get the same.
CREATE UNIQUE INDEX data_keys_present_key ON personal_data.data_keys (subject)
WHERE retired_at IS NULL;

-- Finds all keys of a subject for an erasure.
CREATE INDEX data_keys_subject_idx ON personal_data.data_keys (subject);

-- Finds the master keys in use.
CREATE INDEX data_keys_master_idx ON personal_data.data_keys (master_key_id)
WHERE wrapped IS NOT NULL;

-- The active keys of some subjects; a subject without one gets the offered key, unless the caller's
-- master keys (`held`) open none of the stored keys: then it has a wrong one, and what it encrypts
-- could be read by nobody else. A key that another transaction has just created is missing from
-- the result: call again. The commit does not wait for the disk: events that are encrypted with
-- the key are committed later, and no later commit survives a crash without this one.
CREATE FUNCTION personal_data.claim_keys(
    subjects text[], key_ids uuid[], master_key_id text, wrapped bytea[], held text[]
) RETURNS SETOF personal_data.data_keys
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
        SELECT k.* FROM personal_data.data_keys AS k
        WHERE k.subject = ANY (claim_keys.subjects) AND k.retired_at IS NULL;
    PERFORM set_config('synchronous_commit', 'off', true);
    RETURN QUERY
        INSERT INTO personal_data.data_keys AS created (key_id, subject, master_key_id, wrapped)
        SELECT offered.key_id, offered.subject, claim_keys.master_key_id, offered.wrapped
        FROM unnest(claim_keys.subjects, claim_keys.key_ids, claim_keys.wrapped)
            AS offered (subject, key_id, wrapped)
        WHERE NOT EXISTS (
            SELECT FROM personal_data.data_keys AS k
            WHERE k.subject = offered.subject AND k.retired_at IS NULL
        ) AND (
            EXISTS (
                SELECT FROM personal_data.data_keys AS k
                WHERE k.master_key_id = ANY (claim_keys.held) AND k.wrapped IS NOT NULL
            ) OR NOT EXISTS (
                SELECT FROM personal_data.data_keys AS k WHERE k.wrapped IS NOT NULL
            )
        )
        ORDER BY offered.subject
        ON CONFLICT (subject) WHERE retired_at IS NULL DO NOTHING
        RETURNING created.*;
END
$$;

-- The master keys that encrypt at least one data key: one look into the index for each. Whoever may
-- not see the keys may still compare his master key with these.
CREATE FUNCTION personal_data.master_keys_in_use() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
WITH RECURSIVE used AS (
    (
        SELECT master_key_id FROM personal_data.data_keys
        WHERE wrapped IS NOT NULL
        ORDER BY master_key_id
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT later.master_key_id FROM personal_data.data_keys AS later
        WHERE later.wrapped IS NOT NULL AND later.master_key_id > used.master_key_id
        ORDER BY later.master_key_id
        LIMIT 1
    )
    FROM used
    WHERE used.master_key_id IS NOT NULL
)
SELECT master_key_id FROM used WHERE master_key_id IS NOT NULL
$$;
