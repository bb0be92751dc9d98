-- The last value of a fresh sequence is 0, so that it always means "the last position drawn".
SELECT setval('eventstore.positions', 0);
