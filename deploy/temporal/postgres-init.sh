#!/bin/sh
# Creates Temporal's login and its two databases. Temporal is no superuser either.
# The image runs it once, when the data volume is new.
set -eu
psql -X -v ON_ERROR_STOP=1 -v password="$(cat /run/secrets/temporal_password)" \
  --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE temporal LOGIN PASSWORD :'password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
SQL
