-- Whether readers see the archive.
CREATE FUNCTION eventstore.archive_is_open() RETURNS boolean
LANGUAGE sql STABLE AS $$
SELECT EXISTS (
    SELECT FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid
    WHERE d.refobjid = 'eventstore.archived_events'::regclass
        AND r.ev_class = 'eventstore.all_events'::regclass
)
$$;
