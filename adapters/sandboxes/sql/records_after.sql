-- A page of the ledger: what was made after a sequence number, oldest first.
SELECT sequence, body FROM records WHERE sequence > :after ORDER BY sequence LIMIT :limit
