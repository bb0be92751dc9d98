-- Forget a key whose request was refused before anything began.
DELETE FROM saved WHERE key = :key
