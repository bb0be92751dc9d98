-- Finds all keys of a subject for an erasure.
CREATE INDEX data_keys_subject_idx ON personal_data.data_keys (subject);
