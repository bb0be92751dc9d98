#!/bin/sh
# Creates the database login of ordersaga's processes; `ordersaga migrate` grants it what it needs.
# The image runs it once, when the data volume is new.
set -eu
psql -X -v ON_ERROR_STOP=1 -v password="$PROCESSES_PASSWORD" \
  --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE ordersaga_processes LOGIN PASSWORD :'password';
SQL
