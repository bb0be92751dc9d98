-- An object by its id.
SELECT body FROM objects WHERE kind = :kind AND id = :id
