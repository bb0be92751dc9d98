-- Makes partitions until so many are ahead of the last position drawn; returns how many it made.
-- If appends have reached the default partition, it gets bounds and a new one takes its place: no
-- row is moved, but all of its rows are read once while everybody waits.
CREATE FUNCTION eventstore.add_partitions(ahead integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    cut eventstore.partitioning;
    ends bigint;
    name text;
    made integer := 0;
BEGIN
    SELECT p.* INTO cut FROM eventstore.partitioning AS p WHERE p.done FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'events is not partitioned'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    -- Appends that may reach the default partition meanwhile have to wait.
    IF EXISTS (SELECT FROM eventstore.events_default)
        OR (SELECT pos.last_value + 200000 > cut.border FROM eventstore.positions AS pos) THEN
        LOCK TABLE eventstore.events IN ACCESS EXCLUSIVE MODE;
    END IF;
    IF EXISTS (SELECT FROM eventstore.events_default) THEN
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
        made := 1;
    END IF;
    SELECT pos.last_value + ahead * cut.size INTO ends FROM eventstore.positions AS pos;
    WHILE cut.border <= ends LOOP
        PERFORM eventstore.make_partition(
            format('events_%s', cut.border), cut.border, cut.border + cut.size);
        cut.border := cut.border + cut.size;
        made := made + 1;
    END LOOP;
    UPDATE eventstore.partitioning SET border = cut.border;
    RETURN made;
END
$$;
