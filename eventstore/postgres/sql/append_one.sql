-- Append one event if its version fits; returns its position and version, otherwise NULL.
SELECT eventstore.append_one($1, $2, $3, $4, $5, $6, $7, $8);
