-- An append to an archived stream would move its version: the row itself refuses. A check costs
-- nothing that a trigger would; NOT VALID, so that no row is read under the lock.
ALTER TABLE eventstore.streams
    ADD CONSTRAINT streams_archived_check
    CHECK (archived_version IS NULL OR version = archived_version) NOT VALID;
