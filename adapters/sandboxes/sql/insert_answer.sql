-- Insert the first answer to a key.
INSERT INTO answers (key, fingerprint, body) VALUES (:key, :fingerprint, :body)
