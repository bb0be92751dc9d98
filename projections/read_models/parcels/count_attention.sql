-- How many parcels wait for a person.
SELECT count(*) AS parcels
FROM {schema}.parcels
WHERE needs_attention
