-- All objects of a kind, oldest first.
SELECT body FROM objects WHERE kind = :kind ORDER BY sequence
