-- Takes about a megabyte on the disk of the database, until the transaction ends.
CREATE TEMPORARY TABLE doctor_room ON COMMIT DROP AS SELECT generate_series(1, 30000) AS n;
