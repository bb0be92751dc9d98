-- One row for each data key that ever was. A retired key opens what it sealed but seals nothing
-- more; a destroyed one has lost its key material, and its row says since when.
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
