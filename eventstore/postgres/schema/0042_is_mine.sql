-- Whether a row that is visible was written by the present transaction, savepoints included: of
-- what is visible, nothing else is still in progress. Its own numbers are not below the first one.
CREATE FUNCTION eventstore.is_mine(written xid) RETURNS boolean
LANGUAGE sql STABLE AS $$
SELECT CASE
    WHEN ahead < 2147483648 THEN pg_xact_status((top + ahead)::text::xid8) = 'in progress'
    ELSE false
END
FROM (SELECT pg_current_xact_id()::text::bigint AS top) AS own
CROSS JOIN LATERAL (
    SELECT (written::text::bigint - (top & 4294967295) + 4294967296) % 4294967296 AS ahead
) AS distance
$$;
