-- Where the first event of these streams stands at the earliest; 0 if that is not known.
CREATE FUNCTION eventstore.first_position(names text[]) RETURNS bigint
LANGUAGE sql STABLE AS $$
SELECT coalesce(min(coalesce(st.first_position, 0)), 0)
FROM eventstore.streams AS st WHERE st.name = ANY (names)
$$;
