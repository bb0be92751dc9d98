-- The number of returns that need a person; one that awaits its decisions is ordinary business.
-- Only open returns can need one, and they have an index.
SELECT count(*) AS returns
FROM {schema}.returns
WHERE closed_at IS NULL AND needs_attention AND at_step <> 'decision'
