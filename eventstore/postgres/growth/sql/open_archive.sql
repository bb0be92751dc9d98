-- Make readers and appends look into the archive too.
SELECT eventstore.open_archive();
