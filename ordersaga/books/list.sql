-- Differences after a cursor: what belongs to no day first, then the latest.
SELECT id, provider, day, order_id, currency, ours_minor, theirs_minor, rule, expected, actual
FROM books.differences
WHERE ($1::bigint IS NULL OR id > $1)
ORDER BY id
LIMIT $2
