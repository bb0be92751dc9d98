#!/bin/sh
# Installs Debian packages that are missing; needs root and apt, else it names what to install.
set -eu

missing=
for package in "$@"; do
  dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
    missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "Please install:$missing" >&2
  exit 1
fi
apt-get update --quiet=2
# shellcheck disable=SC2086  the names are words
DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends $missing >/dev/null
