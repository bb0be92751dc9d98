-- Somebody has looked for what was lost at the beginning of a history, and of all before it.
UPDATE installation.histories
SET examined_at = clock_timestamp(), examined_by = $2, lost = CASE number WHEN $1 THEN $3::json END
WHERE number <= $1 AND (number = $1 OR examined_at IS NULL)
