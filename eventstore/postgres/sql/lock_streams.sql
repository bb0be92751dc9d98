-- Lock the rows of streams in the order in which appends lock them, and make those that are missing;
-- an append to all of them follows in the same transaction, or takes back what was made.
INSERT INTO eventstore.streams AS st (name, version, bucket)
SELECT w.name, 0, w.bucket
FROM unnest($1::text[], $2::smallint[]) AS w (name, bucket)
ORDER BY w.name COLLATE "C"
ON CONFLICT ON CONSTRAINT streams_name_key DO UPDATE SET version = st.version WHERE false;
