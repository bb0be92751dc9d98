-- Have appends look into the archive for event ids.
SELECT eventstore.open_archive();
