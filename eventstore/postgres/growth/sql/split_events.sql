-- Last step: the present table becomes the first partition of a new table.
SELECT eventstore.split_events();
