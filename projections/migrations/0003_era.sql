-- One row that names the time since the database last crashed. A crash empties an unlogged table:
-- it takes back what was not yet on disk, positions that were drawn for nothing and checkpoints
-- among it, and a reader that remembers them must forget them.
CREATE UNLOGGED TABLE read_models.era (
    only_one boolean NOT NULL DEFAULT true,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    CONSTRAINT era_pkey PRIMARY KEY (only_one),
    CONSTRAINT era_is_one_row CHECK (only_one)
);
