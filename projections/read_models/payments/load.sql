-- The stored rows that a batch changes.
SELECT order_id, status, currency, authorised_minor, captured_minor, refunded_minor, kept_minor,
       pending_minor, reference, decline_code, updated_at, version, pending
FROM {schema}.payments
WHERE order_id = ANY ($1)
