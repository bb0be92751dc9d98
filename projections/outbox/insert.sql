-- Insert the notifications of a batch. An existing row stays as it is, so an event that is read
-- again after a backfill or a replay is not notified twice.
INSERT INTO {schema}.notifications
    (id, event_id, kind, data_version, position, subject, occurred_at, traceparent, data)
SELECT id, event_id, kind, data_version, position, subject, occurred_at, traceparent, data::jsonb
FROM unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::bigint[], $6::text[], $7::timestamptz[],
    $8::text[], $9::text[]
) AS new (id, event_id, kind, data_version, position, subject, occurred_at, traceparent, data)
ON CONFLICT ON CONSTRAINT notifications_once_an_event DO NOTHING
