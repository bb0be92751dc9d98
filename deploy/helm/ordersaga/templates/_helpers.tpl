{{/* Names, labels, and what the values say about places. */}}

{{- define "ordersaga.fullname" -}}
{{- $name := .Release.Name -}}
{{- if not (contains .Chart.Name $name) -}}{{- $name = printf "%s-%s" $name .Chart.Name -}}{{- end -}}
{{- $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels by which the pods of one component are selected: dict root, component. */}}
{{- define "ordersaga.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- define "ordersaga.labels" -}}
{{ include "ordersaga.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* Name, namespace and labels of an object: dict root, component, and perhaps name. */}}
{{- define "ordersaga.metadata" -}}
name: {{ include "ordersaga.fullname" .root }}-{{ .name | default .component }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "ordersaga.labels" . | nindent 2 }}
{{- end -}}

{{- define "ordersaga.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}
{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "ordersaga.facts" -}}
{{ .Files.Get "processes.yaml" }}
{{- end -}}

{{/* The values of a process, with the defaults for what it leaves out: dict root, component. */}}
{{- define "ordersaga.process" -}}
{{- $own := index .root.Values.processes .component | default dict -}}
{{- mergeOverwrite (deepCopy .root.Values.defaults) (deepCopy $own) | toYaml -}}
{{- end -}}

{{/* The seconds that a process has to end, with a margin for the container's start of the end. */}}
{{- define "ordersaga.graceSeconds" -}}
{{- $drain := .Values.settings.drain_timeout_s | default 11 -}}
{{- add (ceil $drain | int) 2 10 -}}
{{- end -}}

{{- define "ordersaga.portOfUrl" -}}
{{- $url := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- if $port -}}{{ $port }}{{- else if eq $url.scheme "https" -}}443{{- else -}}80{{- end -}}
{{- end -}}

{{/* The ports of a destination, with blanks between them; nothing if the release does not use it:
dict root, to. */}}
{{- define "ordersaga.ports" -}}
{{- $values := .root.Values -}}
{{- if eq .to "database" -}}
{{- range $values.database.hosts }} {{ regexFind "[0-9]+$" . }}{{- end -}}
{{- else if eq .to "temporal" -}}
{{- regexFind "[0-9]+$" $values.temporal.address -}}
{{- else if eq .to "payments" -}}
{{- include "ordersaga.portOfUrl" (include "ordersaga.paymentsUrl" $values.payments) -}}
{{- else if eq .to "carrier" -}}
{{- include "ordersaga.portOfUrl" $values.carrier.url -}}
{{- else if eq .to "webhook" -}}
{{- with $values.webhook.url }}{{ include "ordersaga.portOfUrl" . }}{{ end -}}
{{- else if eq .to "oidc" -}}
{{- with $values.oidc.issuer }}{{ include "ordersaga.portOfUrl" . }}{{ end -}}
{{- else if eq .to "otlp" -}}
{{- with $values.otlp.endpoint }}{{ include "ordersaga.portOfUrl" . }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "ordersaga.paymentsUrl" -}}
{{- if eq .provider "sandbox" -}}{{ .url }}{{- else -}}{{ .stripeApiBase | default "https://api.stripe.com" }}{{- end -}}
{{- end -}}

{{/* The database URL of a login, without its password: dict root, login. */}}
{{- define "ordersaga.databaseUrl" -}}
{{- $database := .root.Values.database -}}
{{- $user := index $database.logins .login -}}
postgresql://{{ $user }}@{{ join "," $database.hosts }}/{{ $database.name }}?sslmode={{ $database.sslMode }}
{{- if $database.caSecret }}&sslrootcert=/etc/ordersaga/database-ca.crt{{ end -}}
{{- if gt (len $database.hosts) 1 }}&target_session_attrs=read-write{{ end -}}
{{- end -}}
