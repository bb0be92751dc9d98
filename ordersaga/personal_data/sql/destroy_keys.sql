-- Destroys the retired keys of a subject: what they encrypted can no longer be read.
UPDATE personal_data.data_keys
SET wrapped = NULL, destroyed_at = now()
WHERE subject = $1 AND retired_at IS NOT NULL AND destroyed_at IS NULL
RETURNING key_id
