-- Whether an append would work now; an error if not.
SELECT eventstore.probe();
