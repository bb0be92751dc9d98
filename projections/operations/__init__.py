"""Installing, rebuilding, checking and operating read models."""
