#!/bin/sh
# Proves that the database that the server would use is there with its schema, then starts the
# development server, which keeps its own on a volume.
set -eu
for database in temporal temporal_visibility; do
  PGPASSWORD=$POSTGRES_PWD psql -X -h "$POSTGRES_SEEDS" -p "$DB_PORT" -U "$POSTGRES_USER" \
    -d "$database" -tAc 'SELECT count(*) FROM schema_version' >/dev/null
done
[ -r "$DYNAMIC_CONFIG_FILE_PATH" ]
exec temporal server start-dev --ip "$BIND_ON_IP" --port 7233 --ui-port 8233 --log-level warn \
  --db-filename /var/lib/temporal/temporal.db --sqlite-pragma journal_mode=WAL \
  --sqlite-pragma synchronous=NORMAL --dynamic-config-value frontend.WorkflowPauseEnabled=true
