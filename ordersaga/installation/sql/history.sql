-- What the installation was called, and who changed it: the latest first.
SELECT id, previous, act, actor, reason, at FROM installation.identities ORDER BY number DESC
