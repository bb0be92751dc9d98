-- Move streams out of the archive.
SELECT moved_streams, moved_events FROM eventstore.restore_streams($1, $2);
