-- The number of records; also proves that the ledger can be read.
SELECT count(*) FROM records
