-- The database's time: ages of checkpoints and events are measured with the clock that wrote them.
SELECT clock_timestamp()
