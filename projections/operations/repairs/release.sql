-- Leave a repair to another process; this try does not count.
UPDATE read_models.repairs
SET taken_until = NULL, tries = tries - 1
WHERE id = $1 AND taken_by = $2 AND ended_at IS NULL
