-- Which installation this database is. The latest row counts; the others say what it was before.
-- Keys and records at the providers carry the id, so a row is never changed.
CREATE TABLE installation.identities (
    number bigint GENERATED ALWAYS AS IDENTITY,
    id text NOT NULL,
    previous text,
    act text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT identities_pkey PRIMARY KEY (number),
    -- Compared exactly at the providers, so there is one way to write it.
    CONSTRAINT identities_id_is_a_uuid CHECK (id = id::uuid::text),
    CONSTRAINT identities_differ CHECK (previous <> id),
    CONSTRAINT identities_act_is_known CHECK (act IN ('made', 'renewed', 'adopted'))
);

INSERT INTO installation.identities (id, act, actor, reason)
VALUES (gen_random_uuid()::text, 'made', 'migrate', 'the database was made');
