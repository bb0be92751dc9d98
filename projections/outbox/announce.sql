-- Insert a notification of something that is no event. It takes its place at the position that the
-- projection has reached.
INSERT INTO read_models.notifications
    (id, event_id, kind, data_version, position, subject, occurred_at, data)
SELECT $1, $1, $2, 1, COALESCE(min(position), 0), $3, now(), $4::jsonb
FROM read_models.checkpoints
WHERE target = 'read_models' AND projection = 'notifications'
ON CONFLICT (id) DO NOTHING
