-- A page of a kind, newest first, below and above places in the list.
SELECT body FROM objects
WHERE kind = :kind AND sequence < :below AND sequence > :above
AND created BETWEEN :since AND :until
ORDER BY sequence DESC LIMIT :limit
