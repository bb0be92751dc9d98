-- Remove keys that are too old.
DELETE FROM saved WHERE created <= :before
