-- Say where the table as it is will end.
SELECT eventstore.bound_events();
