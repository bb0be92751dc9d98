-- The number of objects; also proves that the ledger can be read.
SELECT count(*) FROM objects
