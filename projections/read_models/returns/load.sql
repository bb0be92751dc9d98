-- Rows that a batch goes on from: all returns of the orders that it touches.
SELECT order_id, return_id, kind, pieces, refund, refund_minor, currency, restock, restock_pieces,
       needs_attention, at_step, waiting_for, last_operator, opened_at, closed_at, updated_at
FROM {schema}.returns
WHERE order_id = ANY ($1)
