-- A page of what belongs to a payment intent, newest first.
SELECT body FROM objects
WHERE parent = :parent AND kind = :kind AND sequence < :below AND sequence > :above
AND created BETWEEN :since AND :until
ORDER BY sequence DESC LIMIT :limit
