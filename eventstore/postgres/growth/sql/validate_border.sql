-- Prove that all events are before the border.
ALTER TABLE eventstore.events VALIDATE CONSTRAINT events_border_check;
