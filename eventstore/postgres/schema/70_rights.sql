-- What the role of processes may do: read, and call the functions that append. Functions that write
-- are SECURITY DEFINER, so callers need no rights on the tables. Their search_path is fixed;
-- otherwise a caller could substitute objects of his own. Everything else is for the owner.

GRANT USAGE ON SCHEMA eventstore TO :"app";

GRANT SELECT ON
    eventstore.all_events,
    eventstore.streams,
    eventstore.positions,
    eventstore.event_ids,
    eventstore.partitioning,
    eventstore.archive_log
TO :"app";

-- Processes save checkpoints and snapshots there.
GRANT SELECT, INSERT, UPDATE ON eventstore.checkpoints, eventstore.snapshots TO :"app";

-- Followers keep there what they could not act on.
GRANT SELECT, INSERT, UPDATE, DELETE ON eventstore.set_aside TO :"app";

GRANT EXECUTE ON FUNCTION
    eventstore.append_one,
    eventstore.append_group,
    eventstore.append_events,
    eventstore.events_by_id,
    eventstore.read_stream_forward,
    eventstore.read_stream_backward,
    eventstore.read_streams,
    eventstore.read_partitioned_stream,
    eventstore.read_partitioned_streams,
    eventstore.first_position,
    eventstore.feed_mark,
    eventstore.probe,
    eventstore.poke
TO :"app";
