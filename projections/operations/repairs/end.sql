-- Note how a repair has ended.
UPDATE read_models.repairs
SET ended_at = now(), failed = $3, outcome = $4
WHERE id = $1 AND taken_by = $2 AND ended_at IS NULL
