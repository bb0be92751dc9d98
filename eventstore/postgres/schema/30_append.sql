-- The functions that append. append_one() and append_group() append if all expected versions are
-- met; append_events() decides for each request, and recognises repeated ones. All of them need
-- READ COMMITTED: each statement must see what others committed while it waited for their locks.

-- The key of the watermark lock: a tag in the upper 16 bits, below it the position. Advisory locks
-- for other purposes in this database use the two-integer form or another tag.
CREATE FUNCTION eventstore.watermark_key(place bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (x'4553'::bigint << 48) | place;

-- Stored events by their ids. Partitioning replaces its body.
CREATE FUNCTION eventstore.events_by_id(event_ids uuid[])
RETURNS TABLE (
    event_id uuid, stream text, version bigint, place bigint, append_size integer, tx xid8)
LANGUAGE sql STABLE AS $$
SELECT ev.event_id, ev.stream, ev.version, ev.position, ev.append_size, ev.tx
FROM eventstore.all_events AS ev
WHERE ev.event_id = ANY (event_ids)
$$;

-- Whether event ids are stored: 'repeated' if exactly these are one append to these streams,
-- 'duplicate' if some of them belong to another append, NULL if none is stored.
CREATE FUNCTION eventstore.repetition(streams text[], event_ids uuid[]) RETURNS text
LANGUAGE sql VOLATILE AS $$
SELECT CASE
    WHEN count(*) = 0 THEN NULL
    WHEN count(*) = cardinality(event_ids)
        AND bool_and(ev.stream = request.stream)
        AND bool_and(ev.append_size = cardinality(event_ids))
        AND count(DISTINCT ev.tx::text) = 1 THEN 'repeated'
    ELSE 'duplicate'
END
FROM eventstore.events_by_id(event_ids) AS ev
JOIN unnest(streams, event_ids) AS request (stream, id) ON ev.event_id = request.id
$$;

-- Undoes the first step of append_one() and append_group(): the streams that were moved get their
-- earlier versions.
CREATE FUNCTION eventstore.take_back(moved text[], d_names text[], d_counts bigint[]) RETURNS void
LANGUAGE plpgsql
-- Plans are made once a session, perhaps on empty tables: they must stay right on large ones.
SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    FOR i IN 1 .. cardinality(d_names) LOOP
        IF d_names[i] = ANY (moved) THEN
            UPDATE eventstore.streams AS st SET version = st.version - d_counts[i]
            WHERE st.name = d_names[i];
            DELETE FROM eventstore.streams AS st WHERE st.name = d_names[i] AND st.version = 0;
        END IF;
    END LOOP;
END
$$;

-- Appends one event if its stream is at the expected version; returns its position and its version.
-- Otherwise it appends nothing and returns NULL; append_events() says what is wrong.
-- Expected version: -1 any, -2 stream exists, 0 no stream, otherwise exact.
CREATE FUNCTION eventstore.append_one(
    stream text,
    bucket smallint,
    expected bigint,
    event_id uuid,
    event_type text,
    event_schema smallint,
    data json,
    metadata json
) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    reached bigint;
    place bigint;
    ignored text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append_one() needs READ COMMITTED' USING ERRCODE = 'ES003';
    END IF;
    INSERT INTO eventstore.streams AS st (name, version, bucket) VALUES (stream, 1, bucket)
    ON CONFLICT ON CONSTRAINT streams_name_key DO UPDATE SET version = st.version + 1
    WHERE CASE expected
        WHEN -1 THEN true
        WHEN -2 THEN st.version > 0
        ELSE st.version = expected
    END
    RETURNING st.version INTO reached;
    IF reached IS NULL OR reached = 1 AND (expected > 0 OR expected = -2) THEN
        IF reached = 1 THEN
            -- The stream did not exist: it was inserted whatever version was expected.
            PERFORM eventstore.take_back(ARRAY[stream], ARRAY[stream], ARRAY[1::bigint]);
        END IF;
        -- Nothing was written, so there is no need to wait for the disk.
        ignored := set_config('synchronous_commit', 'off', true);
        RETURN NULL;
    END IF;

    -- The watermark: until this transaction ends, readers stop at the positions drawn before it.
    ignored := pg_advisory_xact_lock_shared(eventstore.watermark_key(
        coalesce(pg_sequence_last_value('eventstore.positions'::regclass), 0)));
    ignored := set_config('eventstore.appending', 'on', true);
    ignored := set_config('eventstore.moving', 'off', true);  -- whatever the caller has set
    INSERT INTO eventstore.events AS ev (
        position, recorded_at, version, append_size, schema_version, bucket,
        event_id, stream, category, event_type, data, metadata)
    VALUES (
        nextval('eventstore.positions'), clock_timestamp(), reached, 1, event_schema, bucket,
        event_id, stream, split_part(stream, '-', 1), event_type, data, metadata)
    RETURNING ev.position INTO place;
    ignored := set_config('eventstore.appending', 'off', true);
    RETURN ARRAY[place, reached];
END
$$;

-- Appends several requests in one transaction if every stream is at the expected version; returns
-- the positions of all events in their order, then the versions that the streams reached. Otherwise
-- it appends nothing and returns NULL; append_events() says what is wrong with which request.
-- Prefixes: d_ = distinct streams, sorted by name in collation C, e_ = events.
CREATE FUNCTION eventstore.append_group(
    d_names text[],
    d_buckets smallint[],
    d_counts bigint[],     -- number of events of all requests, at least 1
    d_reached bigint[],    -- version with these events; -1 any, -2 any of a stream that exists
    e_slots integer[],     -- index into d_names
    e_steps integer[],     -- ... -2, -1, 0 among the events of its stream
    e_sizes integer[],     -- number of events in its request
    e_streams text[],
    e_ids uuid[],
    e_types text[],
    e_schemas smallint[],
    e_data json[],
    e_metadata json[]
) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    moved text[];
    versions bigint[];
    places bigint[];
    fits boolean := true;
    clock timestamptz;
    ignored text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append_group() needs READ COMMITTED' USING ERRCODE = 'ES003';
    END IF;
    -- Either way the rows are locked in sorted order, so that appends never deadlock.
    IF d_reached = d_counts THEN
        -- All streams must be new: it is quicker to insert them without looking for them first.
        BEGIN
            INSERT INTO eventstore.streams (name, version, bucket)
            SELECT unnest(d_names), unnest(d_counts), unnest(d_buckets);
            versions := d_counts;
        EXCEPTION WHEN unique_violation THEN
            fits := false;
        END;
    ELSE
        WITH updated AS (
            INSERT INTO eventstore.streams AS st (name, version, bucket)
            SELECT d.name, d.count, d.bucket
            FROM unnest(d_names, d_counts, d_buckets) AS d (name, count, bucket)
            ON CONFLICT ON CONSTRAINT streams_name_key DO UPDATE
            SET version = st.version + excluded.version
            WHERE CASE d_reached[width_bucket(excluded.name, d_names COLLATE "C")]
                WHEN -1 THEN true
                WHEN -2 THEN st.version > 0
                ELSE st.version + excluded.version
                    = d_reached[width_bucket(excluded.name, d_names COLLATE "C")]
            END
            RETURNING st.name, st.version
        )
        SELECT array_agg(updated.name), array_agg(updated.version) INTO moved, versions
        FROM updated;
        IF versions IS DISTINCT FROM d_reached THEN
            fits := coalesce(cardinality(versions) = cardinality(d_reached), false);
            FOR i IN 1 .. coalesce(cardinality(versions), 0) LOOP
                EXIT WHEN NOT fits;
                -- A stream that did not exist was inserted whatever version was expected.
                fits := CASE d_reached[i]
                    WHEN -1 THEN true
                    WHEN -2 THEN versions[i] > d_counts[i]
                    ELSE versions[i] = d_reached[i]
                END;
            END LOOP;
        END IF;
    END IF;
    IF NOT fits THEN
        IF moved IS NOT NULL THEN
            PERFORM eventstore.take_back(moved, d_names, d_counts);
        END IF;
        -- Nothing was written, so there is no need to wait for the disk.
        ignored := set_config('synchronous_commit', 'off', true);
        RETURN NULL;
    END IF;

    -- The watermark: until this transaction ends, readers stop at the positions drawn before it.
    ignored := pg_advisory_xact_lock_shared(eventstore.watermark_key(
        coalesce(pg_sequence_last_value('eventstore.positions'::regclass), 0)));
    ignored := set_config('eventstore.appending', 'on', true);
    ignored := set_config('eventstore.moving', 'off', true);  -- whatever the caller has set
    clock := clock_timestamp();
    WITH stored AS (
        INSERT INTO eventstore.events AS ev (
            position, recorded_at, version, append_size, schema_version, bucket,
            event_id, stream, category, event_type, data, metadata)
        SELECT
            nextval('eventstore.positions'), clock, versions[e.slot] + e.step, e.size, e.schema,
            d_buckets[e.slot], e.id, e.stream, split_part(e.stream, '-', 1), e.type, e.data,
            e.metadata
        FROM (
            SELECT
                unnest(e_slots) AS slot, unnest(e_steps) AS step, unnest(e_sizes) AS size,
                unnest(e_streams) AS stream, unnest(e_ids) AS id, unnest(e_types) AS type,
                unnest(e_schemas) AS schema, unnest(e_data) AS data,
                unnest(e_metadata) AS metadata
        ) AS e
        RETURNING ev.position
    )
    SELECT array_agg(stored.position) INTO places FROM stored;
    ignored := set_config('eventstore.appending', 'off', true);
    RETURN places || versions;
END
$$;

-- Appends several requests in one transaction; each succeeds, is recognised as repeated, or is
-- refused on its own. Archived streams that get events are brought back first.
-- Prefixes: d_ = distinct streams, a_ = requests, s_ = streams of a request, e_ = events.
-- Expected versions: -1 any, -2 stream exists, 0 no stream, otherwise exact.
CREATE FUNCTION eventstore.append_events(
    d_names text[],        -- every stream once
    d_buckets smallint[],
    a_streams integer[],   -- number of streams in each request
    s_slots integer[],     -- index into d_names
    s_expected bigint[],
    s_counts integer[],    -- number of events, at least 1
    e_entries integer[],   -- index into s_
    e_offsets integer[],   -- 1, 2, 3 ... among the events of its s_
    e_streams text[],
    e_ids uuid[],
    e_types text[],
    e_schemas smallint[],
    e_data json[],
    e_metadata json[],
    check_ids boolean      -- look for stored event ids even where the versions fit
) RETURNS TABLE (
    outcome text,          -- appended, repeated, conflict or duplicate
    conflict_entry integer,  -- the first stream in conflict, counted from 1 in its request
    conflict_version bigint,
    last_versions bigint[],
    last_position bigint
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- Plans are made once a session, perhaps on empty tables: they must stay right on large ones.
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_variable
DECLARE
    archived boolean;
    written text[] := '{}';                                -- streams that get events
    now_at bigint[];                                       -- versions per distinct stream
    bases bigint[] := array_fill(-1::bigint, ARRAY[cardinality(s_slots)]);
    sizes integer[] := array_fill(0, ARRAY[cardinality(s_slots)]);
    refused boolean := false;
    accepted boolean := false;
    outcomes text[] := '{}';
    conflicts integer[] := '{}';
    versions_found bigint[] := '{}';
    drawn bigint[];
    s_last integer := 0;
    s_first integer;
    e_last integer := 0;
    e_first integer;
    unsure boolean;
    verdict text;
    bad integer;
    bad_version bigint;
    seen bigint;
    expected bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append_events() needs READ COMMITTED' USING ERRCODE = 'ES003';
    END IF;
    -- Rows are locked in sorted order, so that appends never deadlock; existing rows stay unchanged.
    INSERT INTO eventstore.streams AS st (name, version, bucket)
    SELECT d.name, 0, d.bucket FROM unnest(d_names, d_buckets) AS d (name, bucket)
    ORDER BY d.name COLLATE "C"
    ON CONFLICT ON CONSTRAINT streams_name_key DO UPDATE SET version = st.version WHERE false;

    SELECT array_agg(st.version ORDER BY d.slot), bool_or(st.archived_version IS NOT NULL)
    INTO now_at, archived
    FROM unnest(d_names) WITH ORDINALITY AS d (name, slot)
    JOIN eventstore.streams AS st ON st.name = d.name;

    FOR a IN 1 .. cardinality(a_streams) LOOP
        s_first := s_last + 1;
        s_last := s_last + a_streams[a];
        e_first := e_last + 1;
        bad := 0;
        bad_version := 0;
        unsure := check_ids;
        FOR s IN s_first .. s_last LOOP
            e_last := e_last + s_counts[s];
            seen := now_at[s_slots[s]];
            expected := s_expected[s];
            IF expected < 0 THEN
                unsure := true;
            END IF;
            IF bad = 0 AND expected <> -1 AND NOT (expected = -2 AND seen > 0)
                AND expected <> seen THEN
                bad := s - s_first + 1;
                bad_version := seen;
            END IF;
        END LOOP;

        verdict := CASE WHEN bad = 0 THEN 'appended' ELSE 'conflict' END;
        IF unsure OR bad > 0 THEN
            verdict := coalesce(
                eventstore.repetition(e_streams[e_first:e_last], e_ids[e_first:e_last]), verdict);
        END IF;
        IF verdict = 'appended' THEN
            accepted := true;
            FOR s IN s_first .. s_last LOOP
                bases[s] := now_at[s_slots[s]];
                sizes[s] := e_last - e_first + 1;
                now_at[s_slots[s]] := bases[s] + s_counts[s];
                written := written || d_names[s_slots[s]];
            END LOOP;
        ELSE
            refused := true;
        END IF;
        outcomes[a] := verdict;
        conflicts[a] := bad;
        versions_found[a] := bad_version;
    END LOOP;

    IF accepted AND archived THEN
        PERFORM eventstore.restore_streams(written, 'an append');
    END IF;
    IF accepted THEN
        -- The watermark: until this transaction ends, readers stop at the positions drawn before it.
        PERFORM pg_advisory_xact_lock_shared(eventstore.watermark_key(p.last_value))
        FROM eventstore.positions AS p;
        SELECT array_agg(nextval('eventstore.positions')) INTO drawn
        FROM generate_series(1, cardinality(e_ids));
        PERFORM set_config('eventstore.appending', 'on', true);
        PERFORM set_config('eventstore.moving', 'off', true);  -- whatever the caller has set
        INSERT INTO eventstore.events (
            position, recorded_at, version, append_size, schema_version, bucket,
            event_id, stream, category, event_type, data, metadata)
        SELECT
            e.place, t.clock, bases[e.entry] + e.step, sizes[e.entry], e.schema,
            d_buckets[s_slots[e.entry]], e.id, e.stream, split_part(e.stream, '-', 1),
            e.type, e.data, e.metadata
        FROM (SELECT clock_timestamp() AS clock OFFSET 0) AS t,
            unnest(drawn, e_entries, e_offsets, e_streams, e_ids, e_types, e_schemas, e_data,
                e_metadata) AS e (place, entry, step, stream, id, type, schema, data, metadata)
        WHERE bases[e.entry] >= 0;
        PERFORM set_config('eventstore.appending', 'off', true);
        UPDATE eventstore.streams AS st SET version = d.version
        FROM unnest(d_names, now_at) AS d (name, version)
        WHERE st.name = d.name AND st.version <> d.version;
    ELSE
        -- Nothing was written, so there is no need to wait for the disk.
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    IF refused THEN
        DELETE FROM eventstore.streams AS st
        WHERE st.name = ANY (d_names) AND st.version = 0;
    END IF;

    s_last := 0;
    e_last := 0;
    FOR a IN 1 .. cardinality(a_streams) LOOP
        s_first := s_last + 1;
        s_last := s_last + a_streams[a];
        e_first := e_last + 1;
        outcome := outcomes[a];
        conflict_entry := conflicts[a];
        conflict_version := versions_found[a];
        last_versions := '{}';
        FOR s IN s_first .. s_last LOOP
            e_last := e_last + s_counts[s];
            IF outcome = 'repeated' THEN
                SELECT max(ev.version) INTO seen
                FROM eventstore.events_by_id(e_ids[e_last - s_counts[s] + 1:e_last]) AS ev;
            ELSE
                seen := bases[s] + s_counts[s];
            END IF;
            last_versions := last_versions || seen;
        END LOOP;
        IF outcome = 'repeated' THEN
            SELECT max(ev.place) INTO last_position
            FROM eventstore.events_by_id(e_ids[e_first:e_last]) AS ev;
        ELSE
            last_position := drawn[e_last];
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;

-- Whether an append would work now: takes the locks that an append takes, needs room on the disk,
-- writes a row and commits. Callers at the same time seldom share a row.
CREATE FUNCTION eventstore.probe() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- More than this is sorted in a file, on the disk of the events.
SET work_mem = '64kB'
SET temp_tablespaces = ''
AS $$
BEGIN
    LOCK TABLE ONLY eventstore.streams, ONLY eventstore.events, ONLY eventstore.event_ids
        IN ROW EXCLUSIVE MODE;
    PERFORM pg_sequence_last_value('eventstore.positions'::regclass);
    BEGIN
        -- What is not used is not sorted either.
        PERFORM count(sorted.filler) FROM (
            SELECT n, repeat('-', 1000) AS filler
            FROM generate_series(1, 200) AS n ORDER BY n OFFSET 199
        ) AS sorted;
    EXCEPTION WHEN configuration_limit_exceeded THEN
        NULL;  -- files for sorting are limited, which does not concern an append
    END;
    INSERT INTO eventstore.probes AS p (slot, probed_at)
    VALUES (pg_backend_pid() % 64, clock_timestamp())
    ON CONFLICT ON CONSTRAINT probes_key DO UPDATE SET probed_at = excluded.probed_at;
END
$$;
