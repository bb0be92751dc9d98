-- A request with a key begins.
INSERT INTO saved (key, fingerprint, endpoint, created, request_id)
VALUES (:key, :fingerprint, :endpoint, :created, :request_id)
