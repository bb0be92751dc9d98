-- The authority on versions: a row is locked for each append to its stream. Version 0 means that
-- there is no such stream (yet). Collation C makes the order of locking the same everywhere.
CREATE TABLE eventstore.streams (
    name text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    bucket smallint NOT NULL,
    CONSTRAINT streams_name_key PRIMARY KEY (name),
    CONSTRAINT streams_version_check CHECK (version >= 0)
) WITH (fillfactor = 70);
