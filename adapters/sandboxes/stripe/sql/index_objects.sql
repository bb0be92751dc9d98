-- Show the search what has waited long enough.
UPDATE objects SET indexed = body, index_at = NULL WHERE index_at <= :now
