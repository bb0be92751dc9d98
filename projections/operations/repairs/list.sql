-- Repairs before a cursor, latest first; one of them if an id is given, all if it is null.
SELECT id, kind, projection, nullif(stream, '') AS stream, requested_by, reason, requested_at,
       CASE
           WHEN ended_at IS NULL THEN CASE WHEN begun_at IS NULL THEN 'waiting' ELSE 'running' END
           WHEN failed THEN 'failed'
           ELSE 'done'
       END AS state,
       position, head, outcome, ended_at,
       ended_at IS NULL
           AND coalesce(taken_until, requested_at + interval '15 seconds') < now() AS unattended
FROM read_models.repairs
WHERE ($1::bigint IS NULL OR id = $1)
  AND ($2::bigint IS NULL OR id < $2)
ORDER BY id DESC
LIMIT $3
