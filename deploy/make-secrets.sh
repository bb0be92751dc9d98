#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, each a file of its own; those that are there stay
# as they are. Containers read the files as users of their own, so the files are readable and the
# folder is closed to everybody else.
#
#   deploy/make-secrets.sh [FOLDER]
set -eu

folder=${1:-${SECRETS_DIR:-$(dirname "$0")/secrets}}
umask 077
mkdir -p "$folder"
chmod 700 "$folder"

keep() { # NAME, and the content on standard input
  if [ ! -e "$folder/$1" ]; then
    cat >"$folder/$1.new"
    chmod 444 "$folder/$1.new"
    mv "$folder/$1.new" "$folder/$1"
  else
    cat >/dev/null
  fi
}

for name in postgres_password migrator_password worker_password projections_password api_password \
  reports_password backup_password temporal_postgres_password temporal_password; do
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n' | keep "$name"
done
# Encrypts the keys of personal data. Keep a copy, but not with the database backups.
head -c 32 /dev/urandom | base64 | keep master_key
# To be filled in where they are used: previous master keys, the provider's key, the key that signs
# notifications, and the console's secret at an issuer.
for name in older_master_keys stripe_api_key webhook_secret oidc_client_secret; do
  keep "$name" </dev/null
done
