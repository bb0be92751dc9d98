-- Keep that a token was refused something.
INSERT INTO access.refusals (actor, token_id, operation, why)
VALUES ($1, $2, $3, $4)
