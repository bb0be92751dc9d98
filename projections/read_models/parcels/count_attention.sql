-- The number of parcels that need a person.
SELECT count(*) AS parcels
FROM {schema}.parcels
WHERE needs_attention
