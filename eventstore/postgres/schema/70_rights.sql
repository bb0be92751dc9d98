-- What each role may do; everything else is for the owner. Functions that write are SECURITY DEFINER,
-- so callers need no rights on the tables. Their search_path is fixed; otherwise a caller could
-- substitute objects of his own. `migrate` grants all of this again each time.

GRANT USAGE ON SCHEMA installation, eventstore
TO :"appender", :"projector", :"reader", :"api";

GRANT SELECT ON installation.applied_migrations
TO :"appender", :"projector", :"reader", :"api";

GRANT SELECT ON
    eventstore.all_events,
    eventstore.streams,
    eventstore.positions,
    eventstore.event_ids,
    eventstore.partitioning,
    eventstore.archive_log,
    eventstore.checkpoints,
    eventstore.set_aside
TO :"appender", :"projector", :"reader", :"api";

GRANT EXECUTE ON FUNCTION
    eventstore.events_by_id,
    eventstore.read_stream_forward,
    eventstore.read_stream_backward,
    eventstore.read_streams,
    eventstore.read_partitioned_stream,
    eventstore.read_partitioned_streams,
    eventstore.first_position,
    eventstore.feed_mark
TO :"appender", :"projector", :"reader", :"api";

-- A process tries by it whether it can work.
GRANT EXECUTE ON FUNCTION eventstore.probe TO :"appender", :"projector", :"api";

GRANT EXECUTE ON FUNCTION
    eventstore.append_one,
    eventstore.append_group,
    eventstore.append_events,
    eventstore.poke
TO :"appender", :"api";

-- Whoever decides on states keeps them here.
GRANT SELECT, INSERT, UPDATE ON eventstore.snapshots TO :"appender", :"api";

GRANT SELECT ON eventstore.snapshots TO :"reader";

-- Followers keep their positions and what they could not act on.
GRANT INSERT, UPDATE ON eventstore.checkpoints TO :"appender";

GRANT INSERT, UPDATE, DELETE ON eventstore.set_aside TO :"appender";
