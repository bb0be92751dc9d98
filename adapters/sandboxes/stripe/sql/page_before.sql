-- The page just before a place in the list, so that it is read from the oldest on.
SELECT body FROM objects
WHERE kind = :kind AND sequence > :above AND created BETWEEN :since AND :until
ORDER BY sequence LIMIT :limit
