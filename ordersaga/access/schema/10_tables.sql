-- Who may use the HTTP API, which writes were asked of it, and what it refused.
CREATE SCHEMA access;

-- One row per token. Only a digest of its secret is kept, so nobody can read a token here. The
-- secret is 256 random bits: there is nothing to guess, and no salt is needed.
CREATE TABLE access.tokens (
    id text NOT NULL,
    digest bytea NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_by text,
    CONSTRAINT tokens_pkey PRIMARY KEY (id),
    CONSTRAINT tokens_digest_is_sha256 CHECK (length(digest) = 32),
    CONSTRAINT tokens_role_is_one
        CHECK (role IN ('service', 'support', 'operator', 'finance', 'admin')),
    CONSTRAINT tokens_end_after_their_begin CHECK (created_at < expires_at),
    CONSTRAINT tokens_revocation_is_whole CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);

-- One row per idempotency key of a write, made before the write is carried out. `subject` is who
-- asked, `fingerprint` what for. The answer comes last; without one the write is taken up again.
CREATE TABLE access.requests (
    subject text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    run_id text,
    status smallint,
    answer text,
    CONSTRAINT requests_pkey PRIMARY KEY (subject, key),
    CONSTRAINT requests_answer_is_whole CHECK ((status IS NULL) = (answer IS NULL))
) WITH (fillfactor = 80);

CREATE INDEX requests_begun ON access.requests (begun_at);

-- One row for each request that a token had no right to.
CREATE TABLE access.refusals (
    number bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    token_id text NOT NULL,
    operation text NOT NULL,
    why text NOT NULL,
    CONSTRAINT refusals_pkey PRIMARY KEY (number)
);
