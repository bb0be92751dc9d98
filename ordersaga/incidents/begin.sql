-- Begin the incident of a provider, or bring it up to date; `is_new` tells which.
INSERT INTO incidents.incidents AS incident
    (provider, begun_at, failure, access_refused, most_waiting)
VALUES ($1, now() - $2::interval, $3, $4, $5)
ON CONFLICT (provider) WHERE ended_at IS NULL DO UPDATE
SET failure = excluded.failure,
    access_refused = excluded.access_refused,
    most_waiting = greatest(incident.most_waiting, excluded.most_waiting)
RETURNING id, begun_at, xmax = 0 AS is_new
