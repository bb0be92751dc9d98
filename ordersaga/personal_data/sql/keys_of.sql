-- Every key of a subject, the oldest first, and what became of it.
SELECT key_id, retired_at, destroyed_at
FROM personal_data.data_keys
WHERE subject = $1
ORDER BY created_at, key_id
