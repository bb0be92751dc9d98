-- Wake the readers of the feed.
SELECT eventstore.poke();
