-- The place of an object in the lists of its kind.
SELECT sequence FROM objects WHERE kind = :kind AND id = :id
