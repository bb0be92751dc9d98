-- Append an event each to streams that do not exist, sorted by name: their positions; else NULL.
SELECT eventstore.append_first_events(
    string_to_array($1, E'\x1f'),
    $2::text::smallint[],
    $3::text::uuid[],
    string_to_array($4, E'\x1f'),
    $5::text::smallint[],
    string_to_array($6, E'\x1f')::json[],
    string_to_array($7, E'\x1f')::json[]);
