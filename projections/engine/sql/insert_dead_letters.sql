-- Record events of parked streams that are skipped until a replay.
INSERT INTO read_models.dead_letters
    (target, projection, position, stream, version, event_id, event_type, waiting)
SELECT $1, $2, position, stream, version, event_id, event_type, $8
FROM unnest($3::bigint[], $4::text[], $5::int[], $6::uuid[], $7::text[])
    AS skipped (position, stream, version, event_id, event_type)
