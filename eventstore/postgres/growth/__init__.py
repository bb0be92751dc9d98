"""Optional, for large stores: partitions and the archive."""
