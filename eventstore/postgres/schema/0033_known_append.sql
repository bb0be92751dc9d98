-- Whether event ids are stored already: 'repeated' if exactly these were one append to these
-- streams, 'duplicate' if some of them belong to another append, NULL if none is known.
CREATE OR REPLACE FUNCTION eventstore.known_append(asked_streams text[], asked_ids uuid[])
RETURNS text
LANGUAGE sql VOLATILE AS $$
SELECT CASE
    WHEN count(*) = 0 THEN NULL
    WHEN count(*) = cardinality(asked_ids)
        AND bool_and(ev.stream = asked.stream)
        AND bool_and(ev.append_size = cardinality(asked_ids))
        AND count(DISTINCT ev.tx::text) = 1 THEN 'repeated'
    ELSE 'duplicate'
END
FROM eventstore.known_events(asked_ids) AS ev
JOIN unnest(asked_streams, asked_ids) AS asked (stream, id) ON ev.event_id = asked.id
$$;
