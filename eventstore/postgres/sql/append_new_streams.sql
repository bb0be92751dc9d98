-- Append one or several requests to streams that are all new: positions, then versions; else NULL.
SELECT eventstore.append_new_streams(
    string_to_array($1, E'\x1f'),
    $2::text::smallint[],
    $3::text::bigint[],
    $4::text::integer[],
    $5::text::integer[],
    $6::text::integer[],
    string_to_array($7, E'\x1f'),
    $8::text::uuid[],
    string_to_array($9, E'\x1f'),
    $10::text::smallint[],
    string_to_array($11, E'\x1f')::json[],
    string_to_array($12, E'\x1f')::json[]);
