#!/bin/sh
# Starts the server with what the environment says. Where only the development server is there, it
# proves that the database that the server would use has its schema, and keeps its own on a volume.
set -eu
if command -v temporal-server >/dev/null; then
  TEMPORAL_BROADCAST_ADDRESS=$(hostname -i)
  export TEMPORAL_BROADCAST_ADDRESS
  exec temporal-server start
fi
for database in temporal temporal_visibility; do
  PGPASSWORD=$POSTGRES_PWD psql -X -h "$POSTGRES_SEEDS" -p "$DB_PORT" -U "$POSTGRES_USER" \
    -d "$database" -tAc 'SELECT count(*) FROM schema_version' >/dev/null
done
[ "$DB" = postgres12 ]
[ -r "$DYNAMIC_CONFIG_FILE_PATH" ]
while read -r value; do set -- "$@" --dynamic-config-value "$value"; done </etc/temporal/dynamic-config
exec temporal server start-dev --ip "$BIND_ON_IP" --port 7233 --ui-port 8233 --log-level warn \
  --db-filename /var/lib/temporal/temporal.db --sqlite-pragma journal_mode=WAL \
  --sqlite-pragma synchronous=NORMAL "$@"
