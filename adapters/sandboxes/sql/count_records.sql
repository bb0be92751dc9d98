-- How much a sandbox has made; proves that the ledger can be read.
SELECT count(*) FROM records
