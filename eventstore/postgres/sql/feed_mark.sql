-- The last position drawn and the position up to which the feed is complete.
SELECT head, mark FROM eventstore.feed_mark();
