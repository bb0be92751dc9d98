-- How far a reader has come.
SELECT position FROM eventstore.checkpoints WHERE name = $1 AND lane = 0;
