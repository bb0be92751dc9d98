#!/bin/sh
# The development server has the pages; this passes them on.
set -eu
exec socat TCP-LISTEN:8080,fork,reuseaddr "TCP:${TEMPORAL_ADDRESS%:*}:8233"
