-- Reads every row once, while appends go on.
ALTER TABLE eventstore.streams VALIDATE CONSTRAINT streams_archived_check;
