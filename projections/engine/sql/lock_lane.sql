-- Take the fence of a lane; no row if another worker holds it. The commit need not be durable at
-- once, because tables and checkpoint are lost or kept together. The server ends the session of a
-- worker that hangs while it holds the fence.
SELECT lane, position, version, first_bucket, end_bucket, paused, parked,
       (SELECT id FROM read_models.era) AS era,
       set_config('synchronous_commit', 'off', true),
       set_config('idle_in_transaction_session_timeout', '30s', true)
FROM read_models.checkpoints
WHERE target = $1 AND projection = $2 AND lane = $3
FOR UPDATE SKIP LOCKED
