-- Not to be switched off by a session that replays replicated rows.
ALTER TABLE eventstore.events ENABLE ALWAYS TRIGGER events_guarded;
