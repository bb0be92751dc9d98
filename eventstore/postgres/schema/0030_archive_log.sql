-- Each move of streams into the archive or out of it; one row for each transaction.
CREATE TABLE eventstore.archive_log (
    id bigint GENERATED ALWAYS AS IDENTITY,
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    direction text NOT NULL,
    streams integer NOT NULL,
    events bigint NOT NULL,
    note text NOT NULL,
    moved_by text NOT NULL DEFAULT session_user,
    CONSTRAINT archive_log_key PRIMARY KEY (id),
    CONSTRAINT archive_log_direction_check CHECK (direction IN ('archived', 'restored'))
);
