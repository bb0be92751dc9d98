-- Events in order of position after a cursor.
SELECT position, recorded_at, stream, category, version, event_type, act, details, actor, reason,
       correlation_id, causation_id, run_id, trace_id, event_id::text AS event_id
FROM {schema}.audit_log
WHERE true
  -- if actor
  AND actor = {value}
  -- if event_type
  AND event_type = {value}
  -- if streams
  AND stream = ANY ({value})
  -- if correlation_id
  AND correlation_id = {value}
  -- if since
  AND recorded_at >= {value}
  -- if until
  AND recorded_at < {value}
  -- if after
  AND position > {value}
ORDER BY position
LIMIT {value}
