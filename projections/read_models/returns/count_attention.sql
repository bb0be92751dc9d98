-- The number of returns that need a person. Only open returns can need one, and they have an index.
SELECT count(*) AS returns
FROM {schema}.returns
WHERE closed_at IS NULL AND needs_attention
