-- Keep a repair that was taken for longer, and note how far it is.
UPDATE read_models.repairs
SET taken_until = now() + $3::interval, position = $4, head = $5
WHERE id = $1 AND taken_by = $2 AND ended_at IS NULL
