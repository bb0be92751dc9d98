"""Which installation the database belongs to: part of every key and record at a provider."""
