-- What the search knows of a kind, newest first.
SELECT indexed FROM objects WHERE kind = :kind AND indexed IS NOT NULL ORDER BY sequence DESC
