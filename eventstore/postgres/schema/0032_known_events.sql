-- Stored events by their ids. A partitioned store has another body for it.
CREATE FUNCTION eventstore.known_events(asked_ids uuid[])
RETURNS TABLE (event_id uuid, stream text, version bigint, place bigint, append_size integer, tx xid8)
LANGUAGE sql STABLE AS $$
SELECT ev.event_id, ev.stream, ev.version, ev.position, ev.append_size, ev.tx
FROM eventstore.all_events AS ev
WHERE ev.event_id = ANY (asked_ids)
$$;
