#!/bin/sh
# Creates the logins of ordersaga: the migrator owns the database and may make roles, and
# `ordersaga migrate` grants the others what they need. No process of ours is a superuser.
# The image runs it once, when the data volume is new.
set -eu

create() { # LOGIN, attributes
  psql -X -v ON_ERROR_STOP=1 -v login="$1" -v password="$(cat "/run/secrets/$1_password")" \
    --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
CREATE ROLE :"login" LOGIN ${2:-} PASSWORD :'password';
SQL
}

create migrator CREATEROLE
create worker
create projections
create api
create reports
create backup
psql -X -v ON_ERROR_STOP=1 -v database="$POSTGRES_DB" \
  --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
ALTER DATABASE :"database" OWNER TO migrator;
GRANT pg_read_all_data TO backup;
-- Operators see what holds things up, and end it.
GRANT pg_read_all_stats, pg_signal_backend TO migrator;
SQL
