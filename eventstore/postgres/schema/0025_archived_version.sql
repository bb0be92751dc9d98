-- The version a stream had when its events went to the archive; NULL for all others. Where its
-- first event stands is kept in a partitioned store only, so that reads leave out older partitions.
ALTER TABLE eventstore.streams
    ADD COLUMN archived_version bigint,
    ADD COLUMN first_position bigint;
