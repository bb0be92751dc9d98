-- Take the fence of a lane, or nothing if somebody else holds it. The commit need not reach the
-- disk at once: tables and checkpoint are lost or kept together. A worker that freezes with the
-- fence in its hand is thrown out by the server.
SELECT position, first_bucket, end_bucket, paused, parked,
       (SELECT id FROM read_models.era) AS era,
       set_config('synchronous_commit', 'off', true),
       set_config('idle_in_transaction_session_timeout', '30s', true)
FROM read_models.checkpoints
WHERE target = $1 AND projection = $2 AND lane = $3
FOR UPDATE SKIP LOCKED
