#!/bin/sh
# Creates the namespace that the workers use, if it is not there. Temporal keeps finished sagas for
# the retention; PostgreSQL keeps their events for ever.
set -eu

namespace=${TEMPORAL_NAMESPACE:-default}
temporal operator cluster health
temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$namespace" --retention "${TEMPORAL_RETENTION:-720h}"
