-- A page of the ledger after a number, oldest first.
SELECT sequence, body FROM records WHERE sequence > :after ORDER BY sequence LIMIT :limit
