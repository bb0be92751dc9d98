"""The event store on PostgreSQL (15 and newer), through asyncpg."""
