-- Events may go to the archive from now on, and nowhere else.
SELECT eventstore.protect('eventstore.events', 'eventstore.appending');
