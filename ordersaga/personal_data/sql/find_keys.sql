-- Keys by id, without destroyed ones.
SELECT key_id, subject, master_key_id, wrapped
FROM personal_data.data_keys
WHERE key_id = ANY ($1::uuid[]) AND wrapped IS NOT NULL
