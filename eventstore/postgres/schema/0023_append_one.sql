-- Appends one event if its stream is at the version that is expected; returns its position and its
-- version. If it is not, nothing is appended and NULL returned: append_events() tells what is
-- wrong. This is append_group() for the append that has the database to itself, without arrays.
-- Expected version: -1 any, -2 stream exists, 0 no stream, else exact.
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
LANGUAGE plpgsql AS $$
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
            -- A stream that does not exist was inserted whatever was expected.
            PERFORM eventstore.take_back(ARRAY[stream], ARRAY[stream], ARRAY[1::bigint]);
        END IF;
        -- Nothing was written that would be worth waiting for the disk.
        ignored := set_config('synchronous_commit', 'off', true);
        RETURN NULL;
    END IF;

    -- The watermark: as long as this transaction lives, readers stop at what was drawn before.
    ignored := pg_advisory_xact_lock_shared(eventstore.watermark_key(
        coalesce(pg_sequence_last_value('eventstore.positions'::regclass), 0)));
    ignored := set_config('eventstore.appending', 'on', true);
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
