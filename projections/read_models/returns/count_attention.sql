-- How many returns wait for a person; a closed one does not, and open ones have an index.
SELECT count(*) AS returns
FROM {schema}.returns
WHERE closed_at IS NULL AND needs_attention
