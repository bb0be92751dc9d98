-- The number of sagas that need a person.
SELECT count(*) AS sagas
FROM {schema}.fulfillments
WHERE needs_attention
