-- Appends the first events of streams that do not exist, one for each, in one transaction; returns
-- their positions in that order. If one of the streams exists, nothing is appended and NULL
-- returned: append_events() tells what is wrong with which.
-- append_new_streams() does the same and more. This one is for many that start something at the
-- same moment; versions, counts and steps need no arrays if all are 1. Names in sorted order.
CREATE FUNCTION eventstore.append_first_events(
    names text[],
    buckets smallint[],
    ids uuid[],
    types text[],
    schemas smallint[],
    all_data json[],
    all_metadata json[]
) RETURNS bigint[]
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    places bigint[];
    clock timestamptz;
    ignored text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append_first_events() needs READ COMMITTED' USING ERRCODE = 'ES003';
    END IF;
    BEGIN
        -- In sorted order, as the locks of other appends, so that they never deadlock.
        INSERT INTO eventstore.streams (name, version, bucket)
        SELECT unnest(names), 1, unnest(buckets);
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
            nextval('eventstore.positions'), clock, 1, 1, e.schema, e.bucket,
            e.id, e.stream, split_part(e.stream, '-', 1), e.type, e.data, e.metadata
        FROM (
            SELECT
                unnest(names) AS stream, unnest(buckets) AS bucket, unnest(ids) AS id,
                unnest(types) AS type, unnest(schemas) AS schema, unnest(all_data) AS data,
                unnest(all_metadata) AS metadata
        ) AS e
        RETURNING ev.position
    )
    SELECT array_agg(stored.position) INTO places FROM stored;
    ignored := set_config('eventstore.appending', 'off', true);
    RETURN places;
END
$$;
