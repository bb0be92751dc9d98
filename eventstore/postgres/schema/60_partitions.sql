-- Partitions by position: splitting the table, new partitions, and reads that skip old ones.

-- Whether the present transaction, savepoints included, wrote a visible row: no other transaction
-- in progress has visible rows. Transaction ids of its own are not below its first one.
CREATE FUNCTION eventstore.is_mine(written xid) RETURNS boolean
LANGUAGE sql STABLE AS $$
SELECT CASE
    WHEN ahead < 2147483648 THEN pg_xact_status((top + ahead)::text::xid8) = 'in progress'
    ELSE false
END
FROM (SELECT pg_current_xact_id()::text::bigint AS top) AS own
CROSS JOIN LATERAL (
    SELECT (written::text::bigint - (top & 4294967295) + 4294967296) % 4294967296 AS ahead
) AS distance
$$;

-- After an append to a partitioned store: records the ids, whose primary key refuses duplicates,
-- and proves that the versions are the next ones of their streams. A unique index can do that only
-- within one partition. Across partitions it follows from the rows in `streams`, which the append
-- holds locked: only this transaction can have changed their versions.
CREATE FUNCTION eventstore.note_events() RETURNS trigger
LANGUAGE plpgsql
-- Plans are made once a session, perhaps on empty tables: they must stay right on large ones.
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    unfit boolean;
    begun boolean;
BEGIN
    INSERT INTO eventstore.event_ids (event_id, position)
    SELECT added.event_id, added.position FROM added;
    SELECT
        bool_or(
            st.name IS NULL OR fresh.last - fresh.first + 1 <> fresh.events
            OR st.version <> fresh.first - 1
            AND (st.version <> fresh.last OR NOT eventstore.is_mine(st.xmin))),
        bool_or(fresh.first = 1)
    INTO unfit, begun
    FROM (
        SELECT stream, min(version) AS first, max(version) AS last, count(*) AS events
        FROM added GROUP BY stream
    ) AS fresh
    LEFT JOIN eventstore.streams AS st ON st.name = fresh.stream;
    IF unfit THEN
        RAISE EXCEPTION 'events that are not the next of their stream'
            USING ERRCODE = 'ES002';
    END IF;
    IF begun THEN
        UPDATE eventstore.streams AS st SET first_position = added.position
        FROM added WHERE added.version = 1 AND st.name = added.stream;
    END IF;
    RETURN NULL;
END
$$;

-- Creates a partition with its indexes and guards and attaches it; without bounds, the default one.
CREATE FUNCTION eventstore.make_partition(name text, low bigint, high bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE TABLE eventstore.%1$I (LIKE eventstore.events INCLUDING DEFAULTS INCLUDING STORAGE,'
        ' CONSTRAINT %2$I PRIMARY KEY (position), CONSTRAINT %3$I UNIQUE (stream, version))',
        name, name || '_position_key', name || '_stream_version_key');
    PERFORM eventstore.protect(format('eventstore.%I', name)::regclass, 'eventstore.appending');
    PERFORM eventstore.note_ids_of(format('eventstore.%I', name)::regclass, 'note_events');
    -- Created apart, then attached: creating it in place would lock out readers of the whole table.
    EXECUTE format(
        'ALTER TABLE eventstore.events ATTACH PARTITION eventstore.%I %s', name,
        CASE WHEN low IS NULL THEN 'DEFAULT'
            ELSE format('FOR VALUES FROM (%s) TO (%s)', low, high) END);
END
$$;

-- The first step towards partitions: from here on the ids of new events are recorded. Creating the
-- trigger waits for the appends under way and blocks new ones until it is done. Another call
-- changes only the size.
CREATE FUNCTION eventstore.begin_partitioning(partition_size bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM eventstore.partitioning WHERE done) THEN
        RETURN;
    END IF;
    INSERT INTO eventstore.partitioning AS p (size, border) VALUES (partition_size, 0)
    ON CONFLICT ON CONSTRAINT partitioning_key DO UPDATE SET size = partition_size;
    PERFORM eventstore.note_ids_of('eventstore.events', 'note_events');
END
$$;

-- The second step, once all ids are recorded: sets the border at which the present table will end,
-- far enough ahead that appends do not reach it before the last step. Blocks appends for a moment;
-- the proof that all rows comply (VALIDATE CONSTRAINT) is a separate statement that blocks nobody.
CREATE FUNCTION eventstore.bound_events() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ends bigint;
BEGIN
    -- A margin of a twentieth of the rows: the proof reads about a million rows a second, and far
    -- fewer are appended meanwhile. Positions may have leapt, so it has a limit.
    SELECT ((pos.last_value + least(pos.last_value / 20, 100000000)) / p.size + 2) * p.size
    INTO STRICT ends
    FROM eventstore.positions AS pos, eventstore.partitioning AS p;
    UPDATE eventstore.partitioning SET border = ends;
    ALTER TABLE eventstore.events DROP CONSTRAINT IF EXISTS events_border_check;
    EXECUTE format(
        'ALTER TABLE eventstore.events ADD CONSTRAINT events_border_check'
        ' CHECK (position < %s) NOT VALID', ends);
END
$$;

-- The last step: the table becomes the first partition of a new one that has its name. The check
-- on its border is validated, so no row is read; everybody waits for a few milliseconds.
CREATE FUNCTION eventstore.split_events() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    plan eventstore.partitioning;
BEGIN
    LOCK TABLE eventstore.events IN ACCESS EXCLUSIVE MODE;
    SELECT p.* INTO STRICT plan FROM eventstore.partitioning AS p FOR UPDATE;
    IF plan.done THEN
        RETURN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_constraint
        WHERE conrelid = 'eventstore.events'::regclass AND conname = 'events_border_check'
            AND convalidated
    ) THEN
        RAISE EXCEPTION 'the border of the first partition is not proven yet'
            USING ERRCODE = 'ES004';
    END IF;
    ALTER TABLE eventstore.events RENAME TO events_0;
    ALTER TABLE eventstore.events_0 RENAME CONSTRAINT events_position_key TO events_0_position_key;
    ALTER TABLE eventstore.events_0
        RENAME CONSTRAINT events_stream_version_key TO events_0_stream_version_key;
    ALTER TABLE eventstore.events_0 DROP CONSTRAINT events_event_id_key;
    CREATE TABLE eventstore.events (
        LIKE eventstore.events_0 INCLUDING DEFAULTS INCLUDING STORAGE,
        CONSTRAINT events_position_key PRIMARY KEY (position)
    ) PARTITION BY RANGE (position);
    EXECUTE format(
        'ALTER TABLE eventstore.events ATTACH PARTITION eventstore.events_0'
        ' FOR VALUES FROM (MINVALUE) TO (%s)', plan.border);
    ALTER TABLE eventstore.events_0 DROP CONSTRAINT events_border_check;
    PERFORM eventstore.protect('eventstore.events', 'eventstore.appending');
    PERFORM eventstore.note_ids_of('eventstore.events', 'note_events');
    PERFORM eventstore.make_partition('events_default', NULL, NULL);
    PERFORM eventstore.define_all_events(eventstore.archive_is_open());
    -- By position: an index on event ids in every partition would cost each append one more entry.
    CREATE OR REPLACE FUNCTION eventstore.events_by_id(event_ids uuid[])
    RETURNS TABLE (
        event_id uuid, stream text, version bigint, place bigint, append_size integer, tx xid8)
    LANGUAGE sql STABLE AS $body$
    SELECT ev.event_id, ev.stream, ev.version, ev.position, ev.append_size, ev.tx
    FROM eventstore.event_ids AS ids
    CROSS JOIN LATERAL (
        SELECT * FROM eventstore.all_events AS stored
        WHERE stored.position = ids.position OFFSET 0
    ) AS ev
    WHERE ids.event_id = ANY (event_ids)
    $body$;
    -- Streams are read by functions that skip the partitions before their first events.
    CREATE OR REPLACE FUNCTION eventstore.read_stream_forward(
        stream_name text, first bigint, last bigint, until timestamptz, most bigint)
    RETURNS SETOF eventstore.all_events
    LANGUAGE sql STABLE AS $body$
    SELECT * FROM eventstore.read_partitioned_stream(stream_name, first, last, until, false, most)
    $body$;
    CREATE OR REPLACE FUNCTION eventstore.read_stream_backward(
        stream_name text, first bigint, last bigint, until timestamptz, most bigint)
    RETURNS SETOF eventstore.all_events
    LANGUAGE sql STABLE AS $body$
    SELECT * FROM eventstore.read_partitioned_stream(stream_name, first, last, until, true, most)
    $body$;
    CREATE OR REPLACE FUNCTION eventstore.read_streams(names text[], afters bigint[])
    RETURNS SETOF eventstore.all_events
    LANGUAGE sql STABLE AS $body$
    SELECT * FROM eventstore.read_partitioned_streams(names, afters)
    $body$;
    UPDATE eventstore.partitioning SET done = true;
END
$$;

-- Creates partitions until `ahead` of them follow the last position drawn; returns how many.
-- If appends have reached the default partition, or positions have left out many because another
-- history began, it gets bounds and a new one takes its place: no row is moved, but all of its rows
-- are read once while everybody waits.
CREATE FUNCTION eventstore.add_partitions(ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    cut eventstore.partitioning;
    ends bigint;
    name text;
    created integer := 0;
BEGIN
    SELECT p.* INTO cut FROM eventstore.partitioning AS p WHERE p.done FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'events is not partitioned'
            USING ERRCODE = 'ES004';
    END IF;
    -- Appends that may reach the default partition meanwhile have to wait.
    IF EXISTS (SELECT FROM eventstore.events_default)
        OR (SELECT pos.last_value + 200000 > cut.border FROM eventstore.positions AS pos) THEN
        LOCK TABLE eventstore.events IN ACCESS EXCLUSIVE MODE;
    END IF;
    IF EXISTS (SELECT FROM eventstore.events_default)
        OR (SELECT pos.last_value >= cut.border FROM eventstore.positions AS pos) THEN
        SELECT (greatest(pos.last_value, cut.border) / cut.size + 1) * cut.size INTO ends
        FROM eventstore.positions AS pos;
        name := format('events_%s', cut.border);
        ALTER TABLE eventstore.events DETACH PARTITION eventstore.events_default;
        EXECUTE format(
            'ALTER TABLE eventstore.events_default RENAME CONSTRAINT events_default_position_key'
            ' TO %I', name || '_position_key');
        EXECUTE format(
            'ALTER TABLE eventstore.events_default'
            ' RENAME CONSTRAINT events_default_stream_version_key TO %I',
            name || '_stream_version_key');
        EXECUTE format('ALTER TABLE eventstore.events_default RENAME TO %I', name);
        EXECUTE format(
            'ALTER TABLE eventstore.events ATTACH PARTITION eventstore.%I'
            ' FOR VALUES FROM (%s) TO (%s)', name, cut.border, ends);
        PERFORM eventstore.make_partition('events_default', NULL, NULL);
        cut.border := ends;
        created := 1;
    END IF;
    SELECT pos.last_value + ahead * cut.size INTO ends FROM eventstore.positions AS pos;
    WHILE cut.border <= ends LOOP
        PERFORM eventstore.make_partition(
            format('events_%s', cut.border), cut.border, cut.border + cut.size);
        cut.border := cut.border + cut.size;
        created := created + 1;
    END LOOP;
    UPDATE eventstore.partitioning SET border = cut.border;
    RETURN created;
END
$$;

-- A position at or before the first event of these streams; 0 if that is not known.
CREATE FUNCTION eventstore.first_position(names text[]) RETURNS bigint
LANGUAGE sql STABLE AS $$
SELECT coalesce(min(coalesce(st.first_position, 0)), 0)
FROM eventstore.streams AS st WHERE st.name = ANY (names)
$$;

-- Events of a stream of a partitioned store. A variable bounds the positions, so that the plan
-- leaves out the partitions before the stream began when it starts, not row by row.
CREATE FUNCTION eventstore.read_partitioned_stream(
    stream_name text, first bigint, last bigint, until timestamptz, backward boolean, most bigint
) RETURNS SETOF eventstore.all_events
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET work_mem = '64MB'
AS $$
DECLARE
    low bigint := eventstore.first_position(ARRAY[stream_name]);
BEGIN
    IF backward THEN
        RETURN QUERY
        SELECT ev.* FROM eventstore.all_events AS ev
        WHERE ev.stream = stream_name AND ev.version >= first AND ev.version <= last
            AND ev.recorded_at <= until AND ev.position >= low
        ORDER BY ev.version DESC LIMIT most;
    ELSE
        RETURN QUERY
        SELECT ev.* FROM eventstore.all_events AS ev
        WHERE ev.stream = stream_name AND ev.version >= first AND ev.version <= last
            AND ev.recorded_at <= until AND ev.position >= low
        ORDER BY ev.version LIMIT most;
    END IF;
END
$$;

-- Events of several streams of a partitioned store, each after a version and in order. A variable
-- bounds the positions, so that the plan leaves out the partitions before the first of these
-- streams began. It reads the partitions in order and stops once it has all events of a stream. So a
-- stream whose events are all in one partition opens one partition, however many follow; an ORDER
-- BY over the whole query would open them all.
CREATE FUNCTION eventstore.read_partitioned_streams(names text[], afters bigint[])
RETURNS SETOF eventstore.all_events
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET work_mem = '64MB'
AS $$
DECLARE
    low bigint := eventstore.first_position(names);
BEGIN
    RETURN QUERY
    SELECT stored.*
    FROM unnest(names, afters) AS request (stream, after)
    CROSS JOIN LATERAL (
        SELECT unordered.*
        FROM (
            SELECT * FROM eventstore.all_events AS ev
            WHERE ev.stream = request.stream AND ev.version > request.after AND ev.position >= low
            LIMIT greatest(0, (
                SELECT st.version FROM eventstore.streams AS st WHERE st.name = request.stream
            ) - request.after)
        ) AS unordered
        ORDER BY unordered.version
        OFFSET 0
    ) AS stored;
END
$$;
