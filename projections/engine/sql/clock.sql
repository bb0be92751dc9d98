-- The time of the database, whose clock also wrote the timestamps of checkpoints and events.
SELECT clock_timestamp()
