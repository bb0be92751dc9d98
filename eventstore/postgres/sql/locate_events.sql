-- Where events are stored, by their ids.
SELECT event_id, stream, version, place FROM eventstore.known_events($1::uuid[]);
