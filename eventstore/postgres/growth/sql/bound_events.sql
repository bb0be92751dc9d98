-- Second step: set the position at which the present table will end.
SELECT eventstore.bound_events();
