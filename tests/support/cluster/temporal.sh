#!/bin/sh
# Stands in for the program `temporal`; see start_dev.py.
root=$(cd "$(dirname "$0")/../../.." && pwd)
PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH} exec "$root/.venv/bin/python" -P \
  -m tests.support.cluster.start_dev "$@"
