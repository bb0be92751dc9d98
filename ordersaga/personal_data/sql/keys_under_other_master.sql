-- Some of the keys that are encrypted with another master key than this one.
SELECT key_id, subject, master_key_id, wrapped
FROM personal_data.data_keys
WHERE master_key_id <> $1 AND wrapped IS NOT NULL
ORDER BY key_id
LIMIT $2
