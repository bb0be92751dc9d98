-- Insert or update the returns that a batch changed.
INSERT INTO {schema}.returns
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::bigint[], $7::text[],
    $8::text[], $9::int[], $10::boolean[], $11::text[], $12::text[], $13::text[],
    $14::timestamptz[], $15::timestamptz[], $16::timestamptz[]
)
ON CONFLICT (order_id, return_id) DO UPDATE
SET refund = excluded.refund,
    refund_minor = excluded.refund_minor,
    restock = excluded.restock,
    restock_pieces = excluded.restock_pieces,
    needs_attention = excluded.needs_attention,
    at_step = excluded.at_step,
    waiting_for = excluded.waiting_for,
    last_operator = excluded.last_operator,
    closed_at = excluded.closed_at,
    updated_at = excluded.updated_at
