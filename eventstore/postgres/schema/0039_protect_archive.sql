-- The archive is as append-only as the events are.
SELECT eventstore.protect('eventstore.archived_events', 'eventstore.moving');
