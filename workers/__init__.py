"""Worker construction per task queue, sandbox settings, the projection worker and replay."""
