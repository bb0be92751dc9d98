-- Keep a row for every event that is passed over.
INSERT INTO read_models.dead_letters
    (target, projection, position, stream, version, event_id, event_type, waiting)
SELECT $1, $2, position, stream, version, event_id, event_type, waiting
FROM unnest($3::bigint[], $4::text[], $5::int[], $6::uuid[], $7::text[], $8::boolean[])
    AS given (position, stream, version, event_id, event_type, waiting)
