-- Note how a process sees a provider; times are given as ages.
INSERT INTO incidents.reports
    (provider, process, failed_at, worked_at, works_since, waiting, reported_at)
VALUES ($1, $2, now() - $3::interval, now() - $4::interval, now() - $5::interval, $6, now())
ON CONFLICT (provider, process) DO UPDATE
SET failed_at = excluded.failed_at,
    worked_at = excluded.worked_at,
    works_since = excluded.works_since,
    waiting = excluded.waiting,
    reported_at = excluded.reported_at
