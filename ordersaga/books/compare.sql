-- Note that the books were compared now.
INSERT INTO books.comparison (provider, compared_at, differences)
VALUES ($1, now(), $2)
ON CONFLICT (only_one) DO UPDATE
SET provider = excluded.provider, compared_at = excluded.compared_at, differences = excluded.differences
