-- Another id from now on; of none, if it is the present one.
INSERT INTO installation.identities (id, previous, act, actor, reason)
SELECT $1, present.id, $2, $3, $4
FROM (SELECT id FROM installation.identities ORDER BY number DESC LIMIT 1) AS present
WHERE present.id <> $1
RETURNING id, previous, act, actor, reason, at
