-- Every event id with its place, for a partitioned store: no partition can tell what another one
-- holds. Empty as long as `events` is one table.
CREATE TABLE eventstore.event_ids (
    event_id uuid NOT NULL,
    position bigint NOT NULL,
    CONSTRAINT event_ids_event_id_key PRIMARY KEY (event_id)
);
