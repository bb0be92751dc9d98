#!/bin/sh
# Creates Temporal's two databases or brings their schema up to date. The password comes from
# SQL_PASSWORD. Runs once before the server starts; running it again changes nothing.
set -eu

tool() {
  temporal-sql-tool --plugin postgres12 --endpoint "$POSTGRES_SEEDS" --port "$DB_PORT" \
    --user "$POSTGRES_USER" "$@"
}

for database in temporal temporal_visibility; do
  case $database in
    temporal) schema=temporal ;;
    *) schema=visibility ;;
  esac
  tool --database "$database" create
  tool --database "$database" setup-schema --version 0.0
  tool --database "$database" update-schema \
    --schema-dir "/etc/temporal/schema/postgresql/v12/$schema/versioned"
done
