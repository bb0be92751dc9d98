"""Optional, for large stores: partitions, archive, bulk import."""
