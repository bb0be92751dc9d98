-- Every key of a subject, oldest first, with its state.
SELECT key_id, retired_at, destroyed_at
FROM personal_data.data_keys
WHERE subject = $1
ORDER BY created_at, key_id
