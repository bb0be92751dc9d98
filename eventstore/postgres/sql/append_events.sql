-- Append one or several requests, a result row for each in their order.
SELECT outcome, conflict_entry, conflict_version, last_versions, last_position
FROM eventstore.append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);
