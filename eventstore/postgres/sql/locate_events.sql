-- Where events are stored, by their ids.
SELECT event_id, stream, version, place FROM eventstore.events_by_id($1);
