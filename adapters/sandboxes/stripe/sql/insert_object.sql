-- Insert an object.
INSERT INTO objects (id, kind, parent, created, due_at, index_at, body)
VALUES (:id, :kind, :parent, :created, :due_at, :index_at, :body)
