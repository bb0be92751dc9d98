-- From now on nothing is sealed with the keys of a subject; the answer names those just retired.
UPDATE personal_data.data_keys
SET retired_at = now()
WHERE subject = $1 AND retired_at IS NULL
RETURNING key_id
