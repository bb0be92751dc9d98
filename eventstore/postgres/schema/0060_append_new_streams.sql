-- Appends several requests to streams that do not exist, in one transaction; returns the positions
-- of all events in their order, then the versions that the streams reached. If one of them exists,
-- nothing is appended and NULL returned: append_events() tells what is wrong with which.
-- append_group() does the same and more. This one inserts the streams without looking for them
-- first, which saves the server an eighth of its time for 16 new streams. Arrays as there.
CREATE FUNCTION eventstore.append_new_streams(
    d_names text[],
    d_buckets smallint[],
    d_counts bigint[],
    e_slots integer[],
    e_steps integer[],
    e_sizes integer[],
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
    places bigint[];
    clock timestamptz;
    ignored text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append_new_streams() needs READ COMMITTED' USING ERRCODE = 'ES003';
    END IF;
    BEGIN
        -- In sorted order, as the locks of other appends, so that they never deadlock.
        INSERT INTO eventstore.streams (name, version, bucket)
        SELECT unnest(d_names), unnest(d_counts), unnest(d_buckets);
    EXCEPTION WHEN unique_violation THEN
        -- Nothing was written that would be worth waiting for the disk.
        ignored := set_config('synchronous_commit', 'off', true);
        RETURN NULL;
    END;

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
            nextval('eventstore.positions'), clock, d_counts[e.slot] + e.step, e.size, e.schema,
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
    RETURN places || d_counts;
END
$$;
