-- Set an event aside for a follower, or count one more try of it.
INSERT INTO eventstore.set_aside AS kept
    (follower, position, stream, version, event_type, error, due_at)
VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7))
ON CONFLICT ON CONSTRAINT set_aside_key DO UPDATE
SET error = excluded.error, tries = kept.tries + 1, due_at = excluded.due_at
