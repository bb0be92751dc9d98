"""The projection engine: lanes, batches, checkpoints."""
