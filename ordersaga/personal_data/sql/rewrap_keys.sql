-- Replaces the encryption of keys; keys that were destroyed meanwhile stay destroyed.
UPDATE personal_data.data_keys AS kept
SET master_key_id = $1, wrapped = given.wrapped
FROM unnest($2::uuid[], $3::bytea[]) AS given (key_id, wrapped)
WHERE kept.key_id = given.key_id AND kept.wrapped IS NOT NULL
