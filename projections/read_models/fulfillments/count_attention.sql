-- How many sagas wait for a person.
SELECT count(*) AS sagas
FROM {schema}.fulfillments
WHERE needs_attention
