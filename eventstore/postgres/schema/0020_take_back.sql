-- Undoes the first step of append_at_once(): streams get their versions of before.
CREATE FUNCTION eventstore.take_back(won text[], d_names text[], d_counts bigint[]) RETURNS void
LANGUAGE plpgsql
-- The plans are made once a session, maybe on empty tables: they must stay right on large ones.
SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    FOR i IN 1 .. cardinality(d_names) LOOP
        IF d_names[i] = ANY (won) THEN
            UPDATE eventstore.streams AS st SET version = st.version - d_counts[i]
            WHERE st.name = d_names[i];
            DELETE FROM eventstore.streams AS st WHERE st.name = d_names[i] AND st.version = 0;
        END IF;
    END LOOP;
END
$$;
