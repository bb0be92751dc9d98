-- Take the oldest repair that no process works on, of projections in the versions of this program.
UPDATE read_models.repairs AS taken
SET taken_by = $3,
    taken_until = now() + $4::interval,
    begun_at = coalesce(taken.begun_at, now()),
    tries = taken.tries + 1
WHERE taken.id = (
    SELECT oldest.id
    FROM read_models.repairs AS oldest
    JOIN unnest($1::text[], $2::integer[]) AS own (projection, version)
        USING (projection, version)
    WHERE oldest.ended_at IS NULL
      AND coalesce(oldest.taken_until, '-infinity') < now()
    ORDER BY oldest.id
    LIMIT 1
    FOR UPDATE OF oldest SKIP LOCKED
)
RETURNING id, kind, projection, stream, tries
