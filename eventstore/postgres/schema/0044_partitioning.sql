-- How a partitioned store is cut; no row as long as `events` is one table. `border` is where the
-- last partition with bounds ends: what comes after it is in the default partition.
CREATE TABLE eventstore.partitioning (
    only_row boolean NOT NULL DEFAULT true,
    size bigint NOT NULL,
    border bigint NOT NULL,
    done boolean NOT NULL DEFAULT false,
    CONSTRAINT partitioning_key PRIMARY KEY (only_row),
    CONSTRAINT partitioning_only_row_check CHECK (only_row),
    CONSTRAINT partitioning_size_check CHECK (size > 0)
);
