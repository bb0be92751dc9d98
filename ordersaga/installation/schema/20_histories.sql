-- The histories of this database. A restore from a backup, or a fail-over to a replica that had not
-- got every commit, begins another one: what was committed after the point is gone here, while
-- Temporal, the providers and clients still know of it.

-- A history has the positions above `begins_at`. What the one before it had committed up to
-- `known_up_to` belongs to both; positions between the two are of a history that is gone, and no
-- event ever gets them again: each history begins at a position that grows with the time of its
-- beginning. `place` tells by which server and on which timeline of its log it was written.
CREATE TABLE installation.histories (
    number integer NOT NULL,
    place text NOT NULL,
    known_up_to bigint NOT NULL,
    begins_at bigint NOT NULL,
    known_until timestamptz,
    act text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    examined_at timestamptz,
    examined_by text,
    lost json,
    CONSTRAINT histories_pkey PRIMARY KEY (number),
    CONSTRAINT histories_begin_after CHECK (begins_at >= known_up_to),
    CONSTRAINT histories_act_is_known CHECK (act IN ('made', 'found', 'announced'))
);

-- Where the database writes now: the cluster, the timeline of its log, the database in it. A
-- promotion, a recovery to a point in time and a dump that is loaded elsewhere change it; a restart
-- and a crash do not. A standby has no place of its own yet.
CREATE FUNCTION installation.place() RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'this server is a standby' USING ERRCODE = 'read_only_sql_transaction';
    END IF;
    RETURN (
        SELECT format(
            '%s/%s/%s', c.system_identifier, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
            d.oid)
        FROM pg_control_system() AS c, pg_database AS d WHERE d.datname = current_database());
END
$$;

-- Begins another history, after the appends that are under way. Its first position is the number of
-- tenths of a millisecond since 1970, so it lies above all positions of every history before it,
-- also of those that this database has forgotten.
CREATE FUNCTION installation.begin_history(how text, who text, why text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last bigint;
    until timestamptz;
    begins bigint;
BEGIN
    LOCK TABLE eventstore.streams IN SHARE ROW EXCLUSIVE MODE;
    SELECT ev.position, ev.recorded_at INTO last, until
    FROM eventstore.all_events AS ev ORDER BY ev.position DESC LIMIT 1;
    last := coalesce(last, 0);
    SELECT greatest(pos.last_value, (extract(epoch FROM clock_timestamp()) * 10000)::bigint)
    INTO begins FROM eventstore.positions AS pos;
    IF last = 0 AND how = 'found' THEN
        begins := 0;
    ELSE
        PERFORM setval('eventstore.positions', begins);
    END IF;
    INSERT INTO installation.histories AS h
        (number, place, known_up_to, begins_at, known_until, act, actor, reason, examined_at)
    SELECT coalesce(max(o.number), 0) + 1, installation.place(), last, begins, until,
        how, who, why, CASE WHEN last = 0 THEN clock_timestamp() END
    FROM installation.histories AS o;
END
$$;

-- Every session begins with this, before anything else: if the database goes on elsewhere than
-- where its history was written, another one begins. So no event is ever appended to a history that
-- it does not belong to. Returns all histories.
CREATE FUNCTION installation.enter() RETURNS SETOF installation.histories
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    here text := installation.place();
    known text;
BEGIN
    SELECT h.place INTO known FROM installation.histories AS h ORDER BY h.number DESC LIMIT 1;
    IF known IS DISTINCT FROM here THEN
        PERFORM pg_advisory_xact_lock(x'4553'::integer, 2);
        SELECT h.place INTO known FROM installation.histories AS h ORDER BY h.number DESC LIMIT 1;
        IF known IS DISTINCT FROM here THEN
            PERFORM installation.begin_history(
                'found', 'database', 'it goes on in another place than before');
        END IF;
    END IF;
    RETURN QUERY SELECT * FROM installation.histories ORDER BY number;
END
$$;

INSERT INTO installation.histories
    (number, place, known_up_to, begins_at, act, actor, reason, examined_at)
VALUES (1, installation.place(), 0, 0, 'made', 'migrate', 'the database was made',
    clock_timestamp());
