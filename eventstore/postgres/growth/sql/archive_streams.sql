-- Move streams into the archive.
SELECT moved_streams, moved_events FROM eventstore.archive_streams($1, $2);
