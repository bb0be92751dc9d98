#!/bin/sh
# Backs up the database into the folder BACKUP_DIR: the data of one moment, and beside it the roles
# without their passwords, which have to be there before the data is restored.
#
#   backup.sh once      one backup
#   backup.sh forever   one now and one every BACKUP_EVERY_H hours; a failed one is tried again
#   backup.sh check     whether the latest one is young enough
set -eu
umask 077

folder=${BACKUP_DIR:-/var/lib/postgresql/backups}
hours=${BACKUP_EVERY_H:-24}
keep=${BACKUP_KEEP:-14}
if [ -r /run/secrets/backup_password ]; then
  PGPASSWORD=$(cat /run/secrets/backup_password)
  export PGPASSWORD
fi
export PGCONNECT_TIMEOUT=10

once() {
  mkdir -p "$folder"
  draft=$folder/draft
  name=$folder/$PGDATABASE-$(date -u +%Y%m%dT%H%M%SZ)
  rm -f "$draft.roles" "$draft.data"
  pg_dumpall --roles-only --no-role-passwords --lock-wait-timeout=60000 \
    --file="$draft.roles" || return 1
  pg_dump --format=custom --lock-wait-timeout=60000 --file="$draft.data" || return 1
  pg_restore --list "$draft.data" >/dev/null || return 1 # it can be read to its end
  mv "$draft.roles" "$name.roles.sql"
  mv "$draft.data" "$name.dump"
  echo "backed up into $name.dump"
  # The names sort by time.
  for kind in dump roles.sql; do
    find "$folder" -name "$PGDATABASE-*.$kind" | sort -r | tail -n "+$((keep + 1))" | xargs -r rm --
  done
}

case ${1:-} in
  once) once ;;
  check) [ -n "$(find "$folder" -name "$PGDATABASE-*.dump" -mmin "-$((hours * 60 + 120))")" ] ;;
  forever)
    trap 'exit 0' TERM INT
    while :; do
      if once; then pause=$((hours * 3600)); else pause=300; fi
      sleep "$pause" &
      wait $!
    done
    ;;
  *)
    echo "usage: backup.sh once | forever | check" >&2
    exit 2
    ;;
esac
