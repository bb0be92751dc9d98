-- Which of some rights, counted from 1, the login lacks on objects that exist. By the catalogue, since
-- a login without a right on a schema may not ask for what is in it by name.
SELECT DISTINCT wanted.number
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS wanted (kind, object, granted, number)
JOIN pg_namespace AS s ON s.nspname = split_part(wanted.object, '.', 1)
LEFT JOIN pg_class AS c ON c.relnamespace = s.oid AND wanted.kind = 'table'
    AND c.relname = split_part(wanted.object, '.', 2)
LEFT JOIN pg_proc AS p ON p.pronamespace = s.oid AND wanted.kind = 'function'
    AND p.proname = split_part(wanted.object, '.', 2)
WHERE CASE wanted.kind
    WHEN 'schema' THEN NOT has_schema_privilege(s.oid, wanted.granted)
    WHEN 'function' THEN NOT has_function_privilege(p.oid, wanted.granted)
    ELSE NOT has_table_privilege(c.oid, wanted.granted)
END
ORDER BY wanted.number
