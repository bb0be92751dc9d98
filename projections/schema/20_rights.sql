-- The projector fills the control tables and those of the read models, which it owns, and makes new
-- ones for a rebuild. Everybody else reads.

GRANT USAGE ON SCHEMA read_models, read_models_next
TO :"appender", :"projector", :"reader", :"api";

GRANT CREATE ON SCHEMA read_models, read_models_next TO :"projector";

GRANT SELECT ON
    read_models.checkpoints,
    read_models.parked_streams,
    read_models.dead_letters,
    read_models.notifications,
    read_models.era
TO :"appender", :"projector", :"reader", :"api";

GRANT EXECUTE ON FUNCTION read_models.is_held
TO :"appender", :"projector", :"reader", :"api";

GRANT INSERT, UPDATE, DELETE ON
    read_models.checkpoints,
    read_models.parked_streams,
    read_models.dead_letters,
    read_models.notifications,
    read_models.era
TO :"projector";

-- The watchdog announces what it finds.
GRANT INSERT ON read_models.notifications TO :"appender";

-- People have notifications sent again.
GRANT UPDATE ON read_models.notifications TO :"api";

-- People ask for replays and rebuilds; the projector says how each ends.
GRANT SELECT ON read_models.repairs TO :"projector", :"reader", :"api";

GRANT INSERT ON read_models.repairs TO :"api";

GRANT UPDATE ON read_models.repairs TO :"projector";
