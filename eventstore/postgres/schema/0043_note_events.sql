-- After an append to a partitioned store: writes down the ids, whose primary key refuses those that
-- are taken, and proves that the versions are the next ones of their streams. A unique index can
-- do that within one partition only; across a border it follows from the rows in `streams`, which
-- the append holds locked: their versions are those of before, or were moved by this transaction.
CREATE FUNCTION eventstore.note_events() RETURNS trigger
LANGUAGE plpgsql
-- The plans are made once a session, maybe on empty tables: they must stay right on large ones.
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
