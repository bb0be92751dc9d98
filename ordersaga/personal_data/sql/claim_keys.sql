-- The active keys of some subjects, created where there is none.
SELECT key_id, subject, master_key_id, wrapped
FROM personal_data.claim_keys($1::text[], $2::uuid[], $3::text, $4::bytea[], $5::text[])
