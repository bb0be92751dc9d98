"""The payment of an order: authorised, captured, voided, refunded."""
