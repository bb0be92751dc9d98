-- Objects to which something happens now, in the order of their times.
SELECT body FROM objects WHERE due_at <= :now ORDER BY due_at, sequence LIMIT 500
