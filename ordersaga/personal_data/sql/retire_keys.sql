-- Retires the keys of a subject: they encrypt nothing more. Returns those retired now.
UPDATE personal_data.data_keys
SET retired_at = now()
WHERE subject = $1 AND retired_at IS NULL
RETURNING key_id
