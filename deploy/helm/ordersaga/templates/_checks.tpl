{{/* What the schema cannot say: values that need one another. */}}
{{- define "ordersaga.checks" -}}
{{- $values := .Values -}}
{{- $weak := list "prefer" "require" -}}
{{- if and (not $values.database.caSecret) (not (has $values.database.sslMode $weak)) -}}
{{- fail (printf "database.caSecret: needed for database.sslMode %s; name a Secret and its key, or choose the weaker \"require\"" $values.database.sslMode) -}}
{{- end -}}
{{- if and (eq $values.payments.provider "sandbox") (not $values.payments.url) -}}
{{- fail "payments.url: needed when payments.provider is sandbox" -}}
{{- end -}}
{{- if and (ne ($values.settings.worker_versioning | default "off") "off") (not $values.settings.build_id) -}}
{{- fail "settings.build_id: needed when settings.worker_versioning is not off" -}}
{{- end -}}
{{- range $to := keys $values.networkPolicy.to -}}
{{- range splitList " " (include "ordersaga.ports" (dict "root" $ "to" $to) | trim) -}}
{{- if gt (. | int) 65535 -}}
{{- fail (printf "%s: there is no port %s" $to .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $facts := include "ordersaga.facts" . | fromYaml -}}
{{- range $component, $fact := $facts.processes -}}
{{- $process := include "ordersaga.process" (dict "root" $ "component" $component) | fromYaml -}}
{{- with $process.autoscaling -}}
{{- if and .enabled (lt (.maxReplicas | int) (.minReplicas | int)) -}}
{{- fail (printf "processes.%s.autoscaling: maxReplicas is less than minReplicas" $component) -}}
{{- end -}}
{{- end -}}
{{- range list "cpu" "memory" -}}
{{- if not (and (index $process.resources.requests .) (index $process.resources.limits .)) -}}
{{- fail (printf "processes.%s.resources: requests and limits of %s are needed" $component .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
