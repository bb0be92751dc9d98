-- The same as before, but a repeated append is recognised wherever its events are kept.
-- Appends several requests in one transaction; each succeeds, is recognised as a repetition, or
-- is refused on its own. Arrays by level: d_ = distinct streams, a_ = requests, s_ = streams of a
-- request, e_ = events. Expected versions: -1 any, -2 stream exists, 0 no stream, else exact.
CREATE OR REPLACE FUNCTION eventstore.append_events(
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
    check_ids boolean      -- look for known event ids even where the versions fit
) RETURNS TABLE (
    outcome text,          -- appended, repeated, conflict or duplicate
    conflict_entry integer,  -- the first stream in conflict, counted from 1 in its request
    conflict_version bigint,
    last_versions bigint[],
    last_position bigint
)
LANGUAGE plpgsql
-- The plans are made once a session, maybe on empty tables: they must stay right on large ones.
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_variable
DECLARE
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
    -- Locks in sorted order, so that appends never deadlock; a row that exists is locked only.
    INSERT INTO eventstore.streams AS st (name, version, bucket)
    SELECT d.name, 0, d.bucket FROM unnest(d_names, d_buckets) AS d (name, bucket)
    ORDER BY d.name COLLATE "C"
    ON CONFLICT ON CONSTRAINT streams_name_key DO UPDATE SET version = st.version WHERE false;

    SELECT array_agg(st.version ORDER BY d.slot) INTO now_at
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
                eventstore.known_append(e_streams[e_first:e_last], e_ids[e_first:e_last]), verdict);
        END IF;
        IF verdict = 'appended' THEN
            accepted := true;
            FOR s IN s_first .. s_last LOOP
                bases[s] := now_at[s_slots[s]];
                sizes[s] := e_last - e_first + 1;
                now_at[s_slots[s]] := bases[s] + s_counts[s];
            END LOOP;
        ELSE
            refused := true;
        END IF;
        outcomes[a] := verdict;
        conflicts[a] := bad;
        versions_found[a] := bad_version;
    END LOOP;

    IF accepted THEN
        -- The watermark: as long as this transaction lives, readers stop at what was drawn before.
        PERFORM pg_advisory_xact_lock_shared(eventstore.watermark_key(p.last_value))
        FROM eventstore.positions AS p;
        SELECT array_agg(nextval('eventstore.positions')) INTO drawn
        FROM generate_series(1, cardinality(e_ids));
        PERFORM set_config('eventstore.appending', 'on', true);
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
        -- Nothing was written that would be worth waiting for the disk.
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
                FROM eventstore.known_events(e_ids[e_last - s_counts[s] + 1:e_last]) AS ev;
            ELSE
                seen := bases[s] + s_counts[s];
            END IF;
            last_versions := last_versions || seen;
        END LOOP;
        IF outcome = 'repeated' THEN
            SELECT max(ev.place) INTO last_position
            FROM eventstore.known_events(e_ids[e_first:e_last]) AS ev;
        ELSE
            last_position := drawn[e_last];
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
