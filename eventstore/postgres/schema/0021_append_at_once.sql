-- Appends several requests in one transaction if every stream is at the version that is expected;
-- a row for each event, in their order. If one is not, nothing is appended and no row returned:
-- append_events() tells what is wrong with which. This function does with two statements what that
-- one needs seven for. Arrays: d_ = distinct streams, sorted by name in collation C, e_ = events.
-- Expected versions: -1 any, -2 stream exists, 0 no stream, else exact.
CREATE FUNCTION eventstore.append_at_once(
    d_names text[],
    d_buckets smallint[],
    d_expected bigint[],
    d_counts bigint[],     -- number of events of all requests, at least 1
    e_slots integer[],     -- index into d_names
    e_steps integer[],     -- 1, 2, 3 ... among the events of its stream
    e_sizes integer[],     -- number of events in its request
    e_streams text[],
    e_ids uuid[],
    e_types text[],
    e_schemas smallint[],
    e_data json[],
    e_metadata json[]
) RETURNS TABLE (place bigint, reached bigint)
LANGUAGE plpgsql
-- A plan that is made anew for each call costs more than it could gain: no table is searched.
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_variable
DECLARE
    won text[];
    bases bigint[];
    fits boolean;
    clock timestamptz;
    ignored text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append_at_once() needs READ COMMITTED' USING ERRCODE = 'ES003';
    END IF;
    -- Locks in sorted order, so that appends never deadlock.
    WITH moved AS (
        INSERT INTO eventstore.streams AS st (name, version, bucket)
        SELECT d.name, d.count, d.bucket
        FROM unnest(d_names, d_counts, d_buckets) AS d (name, count, bucket)
        ON CONFLICT ON CONSTRAINT streams_name_key DO UPDATE
        SET version = st.version + excluded.version
        WHERE CASE d_expected[width_bucket(excluded.name, d_names COLLATE "C")]
            WHEN -1 THEN true
            WHEN -2 THEN st.version > 0
            ELSE st.version = d_expected[width_bucket(excluded.name, d_names COLLATE "C")]
        END
        RETURNING st.name, st.version
    )
    SELECT array_agg(moved.name), array_agg(moved.version) INTO won, bases FROM moved;

    fits := coalesce(cardinality(won), 0) = cardinality(d_names);
    IF fits THEN
        FOR i IN 1 .. cardinality(d_names) LOOP
            bases[i] := bases[i] - d_counts[i];
            -- A stream that does not exist was inserted whatever was expected.
            fits := fits AND (d_expected[i] <= 0 AND d_expected[i] <> -2 OR bases[i] > 0);
        END LOOP;
    END IF;
    IF NOT fits THEN
        IF won IS NOT NULL THEN
            PERFORM eventstore.take_back(won, d_names, d_counts);
        END IF;
        -- Nothing was written that would be worth waiting for the disk.
        ignored := set_config('synchronous_commit', 'off', true);
        RETURN;
    END IF;

    -- The watermark: as long as this transaction lives, readers stop at what was drawn before.
    PERFORM pg_advisory_xact_lock_shared(eventstore.watermark_key(p.last_value))
    FROM eventstore.positions AS p;
    ignored := set_config('eventstore.appending', 'on', true);
    clock := clock_timestamp();
    RETURN QUERY
    INSERT INTO eventstore.events AS ev (
        position, recorded_at, version, append_size, schema_version, bucket,
        event_id, stream, category, event_type, data, metadata)
    SELECT
        nextval('eventstore.positions'), clock, bases[e.slot] + e.step, e.size, e.schema,
        d_buckets[e.slot], e.id, e.stream, split_part(e.stream, '-', 1), e.type, e.data, e.metadata
    FROM unnest(
        e_slots, e_steps, e_sizes, e_streams, e_ids, e_types, e_schemas, e_data, e_metadata
    ) AS e (slot, step, size, stream, id, type, schema, data, metadata)
    RETURNING ev.position, ev.version;
    ignored := set_config('eventstore.appending', 'off', true);
END
$$;
