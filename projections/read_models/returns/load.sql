-- All returns of the orders whose returns a batch changes.
SELECT order_id, return_id, kind, pieces, refund, refund_minor, currency, restock, restock_pieces,
       needs_attention, at_step, waiting_for, last_operator, opened_at, closed_at, updated_at
FROM {schema}.returns
WHERE order_id = ANY ($1)
