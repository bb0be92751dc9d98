-- Undoes the retirement of a key, unless its subject has a newer key.
UPDATE personal_data.data_keys AS retired
SET retired_at = NULL
WHERE retired.key_id = ANY ($1::uuid[]) AND retired.destroyed_at IS NULL
    AND NOT EXISTS (
        SELECT FROM personal_data.data_keys AS present
        WHERE present.subject = retired.subject AND present.retired_at IS NULL
    )
