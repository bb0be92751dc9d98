-- The last position drawn.
SELECT last_value FROM eventstore.positions;
