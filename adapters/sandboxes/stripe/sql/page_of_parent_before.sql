-- The page of what belongs to a payment intent just before a place in the list.
SELECT body FROM objects
WHERE parent = :parent AND kind = :kind AND sequence > :above
AND created BETWEEN :since AND :until
ORDER BY sequence LIMIT :limit
