-- Appends several requests in one transaction if every stream is at the version that is expected;
-- returns the positions of all events in their order, then the versions that the streams reached.
-- If one is not, nothing is appended and NULL returned: append_events() tells what is wrong with
-- which. It does the work of append_at_once(), which stays for processes of an older release, with
-- less around its two statements. Arrays: d_ = distinct streams, sorted by name in collation C,
-- e_ = events.
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
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    won text[];
    versions bigint[];
    places bigint[];
    fits boolean;
    clock timestamptz;
    ignored text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append_group() needs READ COMMITTED' USING ERRCODE = 'ES003';
    END IF;
    -- Locks in sorted order, so that appends never deadlock.
    WITH moved AS (
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
    SELECT array_agg(moved.name), array_agg(moved.version) INTO won, versions FROM moved;

    fits := coalesce(versions = d_reached, false);
    IF NOT fits AND cardinality(versions) = cardinality(d_reached) THEN
        fits := true;
        FOR i IN 1 .. cardinality(versions) LOOP
            -- A stream that does not exist was inserted whatever was expected.
            fits := fits AND CASE d_reached[i]
                WHEN -1 THEN true
                WHEN -2 THEN versions[i] > d_counts[i]
                ELSE versions[i] = d_reached[i]
            END;
        END LOOP;
    END IF;
    IF NOT fits THEN
        IF won IS NOT NULL THEN
            PERFORM eventstore.take_back(won, d_names, d_counts);
        END IF;
        -- Nothing was written that would be worth waiting for the disk.
        ignored := set_config('synchronous_commit', 'off', true);
        RETURN NULL;
    END IF;

    -- The watermark: as long as this transaction lives, readers stop at what was drawn before.
    ignored := pg_advisory_xact_lock_shared(eventstore.watermark_key(
        coalesce(pg_sequence_last_value('eventstore.positions'::regclass), 0)));
    ignored := set_config('eventstore.appending', 'on', true);
    clock := clock_timestamp();
    WITH stored AS (
        INSERT INTO eventstore.events AS ev (
            position, recorded_at, version, append_size, schema_version, bucket,
            event_id, stream, category, event_type, data, metadata)
        SELECT
            nextval('eventstore.positions'), clock, versions[e.slot] + e.step, e.size, e.schema,
            d_buckets[e.slot], e.id, e.stream, split_part(e.stream, '-', 1), e.type, e.data,
            e.metadata
        FROM unnest(
            e_slots, e_steps, e_sizes, e_streams, e_ids, e_types, e_schemas, e_data, e_metadata
        ) AS e (slot, step, size, stream, id, type, schema, data, metadata)
        RETURNING ev.position
    )
    SELECT array_agg(stored.position) INTO places FROM stored;
    ignored := set_config('eventstore.appending', 'off', true);
    RETURN places || versions;
END
$$;
