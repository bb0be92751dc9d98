"""The projections' control tables and the outbox as they are now; new databases get this."""
