-- Copy the ids of the next events after a position; returns the last position copied, NULL at the
-- end.
WITH part AS (
    SELECT event_id, position FROM eventstore.all_events
    WHERE position > $1 ORDER BY position LIMIT $2
), noted AS (
    INSERT INTO eventstore.event_ids (event_id, position)
    SELECT event_id, position FROM part
    ON CONFLICT ON CONSTRAINT event_ids_event_id_key DO NOTHING
)
SELECT max(position) FROM part;
