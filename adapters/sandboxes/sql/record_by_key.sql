-- One payment or label by the key it was made under.
SELECT body FROM records WHERE key = :key
