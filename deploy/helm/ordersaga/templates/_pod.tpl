{{/* The parts of every pod: dict root, component, fact, resources; and perhaps args, command. */}}

{{- define "ordersaga.podSettings" -}}
serviceAccountName: {{ include "ordersaga.fullname" .root }}{{ .accountSuffix }}
automountServiceAccountToken: false
# Variables that Kubernetes makes for Services would be taken for settings (ORDERSAGA_API_PORT).
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The container but for its command, ports and probes. */}}
{{- define "ordersaga.container" -}}
name: ordersaga
image: {{ include "ordersaga.image" .root }}
imagePullPolicy: IfNotPresent
securityContext:
  runAsNonRoot: true
  readOnlyRootFilesystem: true
  allowPrivilegeEscalation: false
  capabilities: {drop: [ALL]}
resources:
  {{- toYaml .resources | nindent 2 }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  - {name: secrets, mountPath: /run/secrets/ordersaga, readOnly: true}
  {{- if include "ordersaga.files" . }}
  - {name: files, mountPath: /etc/ordersaga, readOnly: true}
  {{- end }}
env:
  {{- include "ordersaga.env" . | nindent 2 }}
{{- end -}}

{{- define "ordersaga.env" -}}
- {name: ORDERSAGA_SECRETS_DIR, value: /run/secrets/ordersaga}
- {name: ORDERSAGA_LOG_FORMAT, value: json}
{{- range $use := .fact.uses }}
{{- include (printf "ordersaga.env.%s" $use) $ }}
{{- end }}
{{- range $name, $value := .root.Values.settings }}
- name: ORDERSAGA_{{ upper $name }}
  value: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}
{{- end }}
{{- end -}}

{{- define "ordersaga.env.database" }}
- name: ORDERSAGA_DATABASE_URL
  value: {{ include "ordersaga.databaseUrl" (dict "root" .root "login" .fact.login) | quote }}
{{- end -}}

{{- define "ordersaga.env.temporal" }}
{{- with .root.Values.temporal }}
- {name: TEMPORAL_ADDRESS, value: {{ .address | quote }}}
- {name: TEMPORAL_NAMESPACE, value: {{ .namespace | quote }}}
{{- if .configSecret }}
- {name: TEMPORAL_CONFIG_FILE, value: /etc/ordersaga/temporal.toml}
{{- end }}
{{- if .tls.enabled }}
- {name: TEMPORAL_TLS, value: "true"}
{{- with .tls.serverName }}
- {name: TEMPORAL_TLS_SERVER_NAME, value: {{ . | quote }}}
{{- end }}
{{- if .tls.caSecret }}
- {name: TEMPORAL_TLS_SERVER_CA_CERT_PATH, value: /etc/ordersaga/temporal-ca.crt}
{{- end }}
{{- if .tls.clientSecret }}
- {name: TEMPORAL_TLS_CLIENT_CERT_PATH, value: /etc/ordersaga/temporal-client.crt}
- {name: TEMPORAL_TLS_CLIENT_KEY_PATH, value: /etc/ordersaga/temporal-client.key}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "ordersaga.env.payments" }}
{{- with .root.Values.payments }}
- {name: ORDERSAGA_PAYMENT_PROVIDER, value: {{ .provider }}}
{{- if eq .provider "sandbox" }}
- {name: ORDERSAGA_PAYMENT_URL, value: {{ .url | quote }}}
{{- else if .stripeApiBase }}
- {name: ORDERSAGA_STRIPE_API_BASE, value: {{ .stripeApiBase | quote }}}
{{- end }}
{{- end }}
{{- end -}}

{{- define "ordersaga.env.carrier" }}
- {name: ORDERSAGA_CARRIER_URL, value: {{ .root.Values.carrier.url | quote }}}
{{- end -}}

{{- define "ordersaga.env.webhook" }}
{{- with .root.Values.webhook.url }}
- {name: ORDERSAGA_WEBHOOK_URL, value: {{ . | quote }}}
{{- end }}
{{- end -}}

{{- define "ordersaga.env.oidc" }}
{{- with .root.Values.oidc }}
{{- if .issuer }}
- {name: ORDERSAGA_OIDC_ISSUER, value: {{ .issuer | quote }}}
- {name: ORDERSAGA_OIDC_AUDIENCE, value: {{ .audience | quote }}}
- {name: ORDERSAGA_OIDC_ROLES, value: {{ .roles | toJson | quote }}}
- {name: ORDERSAGA_OIDC_ROLES_CLAIM, value: {{ .rolesClaim | quote }}}
- {name: ORDERSAGA_OIDC_NAME_CLAIM, value: {{ .nameClaim | quote }}}
- {name: ORDERSAGA_OIDC_CLIENT_ID, value: {{ .clientId | quote }}}
- {name: ORDERSAGA_OIDC_REDIRECT_URI, value: {{ .redirectUri | quote }}}
- {name: ORDERSAGA_OIDC_SCOPES, value: {{ .scopes | quote }}}
- {name: ORDERSAGA_OIDC_LABEL, value: {{ .label | quote }}}
{{- end }}
{{- end }}
{{- end -}}

{{- define "ordersaga.env.otlp" }}
{{- with .root.Values.otlp.endpoint }}
- {name: ORDERSAGA_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- end -}}

{{- define "ordersaga.volumes" -}}
- name: tmp
  emptyDir: {medium: Memory, sizeLimit: 64Mi}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- include "ordersaga.secrets" . | nindent 6 }}
{{- with include "ordersaga.files" . }}
- name: files
  projected:
    defaultMode: 0440
    sources:
      {{- . | nindent 6 }}
{{- end }}
{{- end -}}

{{/* Each secret is one key of one Secret, under the name of its setting. */}}
{{- define "ordersaga.secrets" -}}
{{- $values := .root.Values -}}
{{- $facts := include "ordersaga.facts" .root | fromYaml -}}
{{- range $secret := prepend .fact.secrets .fact.login -}}
{{- $unused := or (and (eq $secret "stripeApiKey") (eq $values.payments.provider "sandbox")) (and (eq $secret "webhookSecret") (not $values.webhook.url)) (and (eq $secret "oidcClientSecret") (not $values.oidc.clientId)) -}}
{{- if not $unused }}
{{- with index $values.secrets $secret }}
- secret:
    name: {{ .name }}
    items:
      - {key: {{ .key | quote }}, path: {{ index $facts.files $secret }}}
    {{- if has $secret (list "olderMasterKeys" "oidcClientSecret") }}
    optional: true
    {{- end }}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* Certificates and the configuration file of Temporal's client. */}}
{{- define "ordersaga.files" -}}
{{- $values := .root.Values -}}
{{- with $values.database.caSecret }}
- secret: {name: {{ .name }}, items: [{key: {{ .key | quote }}, path: database-ca.crt}]}
{{- end }}
{{- if has "temporal" .fact.uses }}
{{- with $values.temporal.configSecret }}
- secret: {name: {{ .name }}, items: [{key: {{ .key | quote }}, path: temporal.toml}]}
{{- end }}
{{- if $values.temporal.tls.enabled }}
{{- with $values.temporal.tls.caSecret }}
- secret: {name: {{ .name }}, items: [{key: {{ .key | quote }}, path: temporal-ca.crt}]}
{{- end }}
{{- with $values.temporal.tls.clientSecret }}
- secret:
    name: {{ . }}
    items:
      - {key: tls.crt, path: temporal-client.crt}
      - {key: tls.key, path: temporal-client.key}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
