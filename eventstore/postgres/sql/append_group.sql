-- Append requests if all their versions fit; returns positions, then versions, otherwise NULL.
SELECT eventstore.append_group(
    string_to_array($1, E'\x1f'),
    $2::text::smallint[],
    $3::text::bigint[],
    $4::text::bigint[],
    $5::text::integer[],
    $6::text::integer[],
    $7::text::integer[],
    string_to_array($8, E'\x1f'),
    $9::text::uuid[],
    string_to_array($10, E'\x1f'),
    $11::text::smallint[],
    string_to_array($12, E'\x1f')::json[],
    string_to_array($13, E'\x1f')::json[]);
