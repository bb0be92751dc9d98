{{/* The rules of one component: dict root, component, fact. */}}
{{- define "ordersaga.policy" -}}
{{- $network := .root.Values.networkPolicy -}}
podSelector:
  matchLabels:
    {{- include "ordersaga.selector" . | nindent 4 }}
policyTypes: [Ingress, Egress]
{{- $ingress := list }}
{{- if and .fact.serves $network.from.api }}
{{- $ingress = append $ingress (dict "from" $network.from.api "ports" (list (dict "port" "api" "protocol" "TCP"))) }}
{{- end }}
{{- if and .isProcess .root.Values.metrics.enabled $network.from.metrics }}
{{- $ingress = append $ingress (dict "from" $network.from.metrics "ports" (list (dict "port" "metrics" "protocol" "TCP"))) }}
{{- end }}
ingress: {{- if $ingress }}
  {{- toYaml $ingress | nindent 2 }}
{{- else }} []
{{- end }}
egress:
  - to:
      {{- toYaml $network.dns | nindent 6 }}
    ports:
      - {port: 53, protocol: UDP}
      - {port: 53, protocol: TCP}
{{- range $to := .fact.uses }}
{{- $ports := include "ordersaga.ports" (dict "root" $.root "to" $to) | trim }}
{{- if $ports }}
  - ports: # {{ $to }}
      {{- range splitList " " $ports | uniq }}
      - {port: {{ . }}, protocol: TCP}
      {{- end }}
    {{- with index $network.to $to }}
    to:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}
{{- end }}
{{- end -}}
