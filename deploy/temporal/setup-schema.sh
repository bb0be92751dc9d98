#!/bin/sh
# Creates the schemas of Temporal's two databases or brings them up to date. Runs once before the
# server starts; running it again changes nothing.
set -eu

SQL_PASSWORD=$(cat /run/secrets/temporal_password)
export SQL_PASSWORD

tool() {
  temporal-sql-tool --plugin postgres12 --endpoint "$POSTGRES_SEEDS" --port "$DB_PORT" \
    --user "$POSTGRES_USER" "$@"
}

for database in temporal temporal_visibility; do
  case $database in
    temporal) schema=temporal ;;
    *) schema=visibility ;;
  esac
  tool --database "$database" setup-schema --version 0.0
  tool --database "$database" update-schema \
    --schema-dir "/etc/temporal/schema/postgresql/v12/$schema/versioned"
done
