-- For what happens to objects by themselves: authorisations that expire, refunds that settle.
CREATE INDEX IF NOT EXISTS objects_due ON objects (due_at) WHERE due_at IS NOT NULL
