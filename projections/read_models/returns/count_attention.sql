-- The number of returns that need a person. Closed returns do not, and open ones have an index.
SELECT count(*) AS returns
FROM {schema}.returns
WHERE closed_at IS NULL AND needs_attention
