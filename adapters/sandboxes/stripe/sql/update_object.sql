-- Replace an object; a change that the search does not know yet keeps its time.
UPDATE objects
SET body = :body, due_at = :due_at, index_at = coalesce(index_at, :index_at)
WHERE id = :id
