-- Differences after a cursor: what belongs to no day first, then the latest.
SELECT id, provider, day, order_id, currency, ours_minor, theirs_minor, rule, expected, actual
FROM books.differences
WHERE true
  -- if after
  AND id > {value}
ORDER BY id
LIMIT {value}
