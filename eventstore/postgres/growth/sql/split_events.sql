-- Make the table the first partition of a new one.
SELECT eventstore.split_events();
