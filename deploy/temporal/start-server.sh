#!/bin/sh
# Starts the server of the image with its password from a file: the image itself takes it from the
# environment only.
set -eu
POSTGRES_PWD=$(cat /run/secrets/temporal_password)
export POSTGRES_PWD
exec /etc/temporal/entrypoint.sh
