-- The present keys of some subjects; those without one get the offered key. A key that another
-- transaction made in this moment is missing from the answer: ask again. The commit need not wait
-- for the disk: an event sealed with the key is committed later, and no later commit survives a
-- crash without this one.
CREATE FUNCTION personal_data.claim_keys(
    subjects text[], key_ids uuid[], master_key_id text, wrapped bytea[]
) RETURNS SETOF personal_data.data_keys
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
        SELECT k.* FROM personal_data.data_keys AS k
        WHERE k.subject = ANY (claim_keys.subjects) AND k.retired_at IS NULL;
    PERFORM set_config('synchronous_commit', 'off', true);
    RETURN QUERY
        INSERT INTO personal_data.data_keys AS made (key_id, subject, master_key_id, wrapped)
        SELECT offered.key_id, offered.subject, claim_keys.master_key_id, offered.wrapped
        FROM unnest(claim_keys.subjects, claim_keys.key_ids, claim_keys.wrapped)
            AS offered (subject, key_id, wrapped)
        WHERE NOT EXISTS (
            SELECT FROM personal_data.data_keys AS k
            WHERE k.subject = offered.subject AND k.retired_at IS NULL
        )
        ORDER BY offered.subject
        ON CONFLICT (subject) WHERE retired_at IS NULL DO NOTHING
        RETURNING made.*;
END
$$;
