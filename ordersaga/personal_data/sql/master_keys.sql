-- The master keys that encrypt at least one data key: one look into the index for each.
WITH RECURSIVE used AS (
    (
        SELECT master_key_id FROM personal_data.data_keys
        WHERE wrapped IS NOT NULL
        ORDER BY master_key_id
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT later.master_key_id FROM personal_data.data_keys AS later
        WHERE later.wrapped IS NOT NULL AND later.master_key_id > used.master_key_id
        ORDER BY later.master_key_id
        LIMIT 1
    )
    FROM used
    WHERE used.master_key_id IS NOT NULL
)
SELECT master_key_id FROM used WHERE master_key_id IS NOT NULL
