-- A subject has at most one key that seals: processes that make one at once end with the same.
CREATE UNIQUE INDEX data_keys_present_key ON personal_data.data_keys (subject)
WHERE retired_at IS NULL;
