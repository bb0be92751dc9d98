-- The payment or label with a reference.
SELECT body FROM records WHERE reference = :reference
