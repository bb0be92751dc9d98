-- Insert a new payment or label.
INSERT INTO records (reference, key, body) VALUES (:reference, :key, :body)
