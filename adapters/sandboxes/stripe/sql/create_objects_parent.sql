-- For the charges and refunds of a payment intent, newest first.
CREATE INDEX IF NOT EXISTS objects_parent ON objects (parent, kind, sequence)
