-- The master keys that encrypt at least one data key.
SELECT master_key_id FROM personal_data.master_keys_in_use() AS master_key_id
