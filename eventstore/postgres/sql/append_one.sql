-- Append one event whose version fits: its position and version; else NULL.
SELECT eventstore.append_one($1, $2, $3, $4, $5, $6, $7, $8);
