-- Replace a payment or label.
UPDATE records SET body = :body WHERE reference = :reference
