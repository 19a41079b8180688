{{/*
What the operator calls of the Kubernetes API, and nothing more: files/rules has the rules, with what each is for. deploy/rbac.yaml is
made of the same files.
*/}}

{{- define "leaseholder.rules.secrets" -}}
{{- if eq .Values.secretAccess "strict" -}}
{{- if .Values.leaseSecretNames }}
# Write the Secrets that leases fill, by exact name, without reading any: an admission policy holds the account to those that carry
# our label. The API knows no creation of one name alone: the policy does.
- apiGroups: ['']
  resources: [secrets]
  verbs: [create]
- apiGroups: ['']
  resources: [secrets]
  resourceNames: {{ toJson .Values.leaseSecretNames }}
  verbs: [patch, delete]
{{- else }}
{{ .Files.Get "files/rules/secrets-strict.yaml" | trim }}
{{- end }}
{{- with .Values.credentials.secretNames }}
# Read the credentials that connections and dynamic secrets name.
- apiGroups: ['']
  resources: [secrets]
  resourceNames: {{ toJson . }}
  verbs: [get, list, watch]
{{- end }}
{{- else -}}
{{ .Files.Get "files/rules/secrets.yaml" | trim }}
{{- end }}
{{- if .Values.credentials.configMapNames }}
# Read the CAs that connections name, and see when they change.
- apiGroups: ['']
  resources: [configmaps]
  resourceNames: {{ toJson .Values.credentials.configMapNames }}
  verbs: [get, list, watch]
{{- else }}
{{ .Files.Get "files/rules/configmaps.yaml" | trim }}
{{- end }}
{{- end -}}

{{/* Everything that is about the objects of a namespace. */}}
{{- define "leaseholder.rules.namespace" -}}
{{ .Files.Get "files/rules/objects.yaml" | trim }}
{{ include "leaseholder.rules.secrets" . }}
{{- if .Values.restart.enabled }}
{{ .Files.Get "files/rules/restart.yaml" | trim }}
{{- end }}
{{- if .Values.nudge.enabled }}
{{ .Files.Get "files/rules/nudge.yaml" | trim }}
{{- end }}
{{- end -}}

{{/* What only a ClusterRole can grant; of Secrets it says nothing. */}}
{{- define "leaseholder.rules.cluster" -}}
{{- if eq .Values.scope "cluster" -}}
{{ include "leaseholder.rules.namespace" . }}
{{ .Files.Get "files/rules/cluster.yaml" | trim }}
{{- end }}
{{- if not .Values.installationId }}
{{ .Files.Get "files/rules/installation.yaml" | trim }}
{{- end }}
{{- end -}}

{{- define "leaseholder.rules.election" -}}
{{- range $rule := .Files.Get "files/rules/election.yaml" | fromYamlArray }}
{{- if hasKey $rule "resourceNames" }}
{{- $_ := set $rule "resourceNames" (list (include "leaseholder.election" $)) }}
{{- end }}
{{ toYaml (list $rule) }}
{{- end }}
{{- end -}}
