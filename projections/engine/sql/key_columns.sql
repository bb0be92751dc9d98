-- The primary key columns of a table, in order.
SELECT attribute.attname AS column_name
FROM pg_index index
JOIN pg_attribute attribute
    ON attribute.attrelid = index.indrelid AND attribute.attnum = ANY (index.indkey)
WHERE index.indrelid = $1::text::regclass AND index.indisprimary
ORDER BY array_position(index.indkey::int2[], attribute.attnum)
