-- The id that counts.
SELECT id FROM installation.identities ORDER BY number DESC LIMIT 1
