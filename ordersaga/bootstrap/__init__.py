"""Settings, wiring, telemetry, logging and schema set-up."""
