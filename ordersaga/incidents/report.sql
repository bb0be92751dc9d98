-- Note how a process sees a provider; times are given as ages.
INSERT INTO incidents.reports
    (provider, process, name, failing_since, access_refused, failure, failed_at, worked_at,
     works_since, waiting, reported_at)
VALUES ($1, $2, $3, now() - $4::interval, $5, $6, now() - $7::interval, now() - $8::interval,
        now() - $9::interval, $10, now())
ON CONFLICT (provider, process) DO UPDATE
SET failing_since = excluded.failing_since,
    access_refused = excluded.access_refused,
    failure = excluded.failure,
    failed_at = excluded.failed_at,
    worked_at = excluded.worked_at,
    works_since = excluded.works_since,
    waiting = excluded.waiting,
    reported_at = excluded.reported_at
