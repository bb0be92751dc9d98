-- The number of notifications in each state, and the age of the oldest one that waits.
SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,
       count(*) FILTER (WHERE state = 'waiting' AND lease IS NOT NULL AND due_at > now()) AS leased,
       count(*) FILTER (WHERE state = 'waiting' AND attempts > 0 AND lease IS NULL) AS retrying,
       count(*) FILTER (WHERE state = 'delivered') AS delivered,
       count(*) FILTER (WHERE state = 'dead') AS dead,
       COALESCE(
           EXTRACT(epoch FROM now() - min(waiting_since) FILTER (WHERE state = 'waiting')), 0
       )::float8 AS oldest_waiting_s
FROM {schema}.notifications
