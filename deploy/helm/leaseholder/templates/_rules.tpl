{{/*
What the operator calls of the Kubernetes API, and nothing more. The same rules stand in deploy/rbac.yaml, with what each is for.
*/}}

{{- define "leaseholder.rules.objects" -}}
- apiGroups: [leaseholder.dev]
  resources: [dynamicsecretleases, dynamicsecrets, infisicalconnections]
  verbs: [get, list, watch, patch]
- apiGroups: [leaseholder.dev]
  resources: [dynamicsecretleases/status, dynamicsecrets/status, infisicalconnections/status]
  verbs: [patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{- define "leaseholder.rules.secrets" -}}
{{- if eq .Values.secretAccess "strict" -}}
- apiGroups: ['']
  resources: [secrets]
  verbs: [create, patch, delete]
{{- with .Values.credentials.secretNames }}
- apiGroups: ['']
  resources: [secrets]
  resourceNames: {{ toJson . }}
  verbs: [get, list, watch]
{{- end }}
{{- else -}}
- apiGroups: ['']
  resources: [secrets]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
{{- if .Values.credentials.configMapNames }}
- apiGroups: ['']
  resources: [configmaps]
  resourceNames: {{ toJson .Values.credentials.configMapNames }}
  verbs: [get, list, watch]
{{- else }}
- apiGroups: ['']
  resources: [configmaps]
  verbs: [get]
{{- end }}
{{- end -}}

{{- define "leaseholder.rules.cluster" -}}
- apiGroups: [leaseholder.dev]
  resources: [clusterinfisicalconnections]
  verbs: [get, list, watch, patch]
- apiGroups: [leaseholder.dev]
  resources: [clusterinfisicalconnections/status]
  verbs: [patch]
- apiGroups: ['']
  resources: [namespaces]
  verbs: [list, watch]
{{- end -}}

{{- define "leaseholder.rules.installation" -}}
- apiGroups: ['']
  resources: [namespaces]
  resourceNames: [kube-system]
  verbs: [get]
{{- end -}}

{{- define "leaseholder.rules.restart" -}}
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets]
  verbs: [get, list, patch]
- apiGroups: [argoproj.io]
  resources: [rollouts]
  verbs: [get, list, patch]
{{- end -}}

{{- define "leaseholder.rules.nudge" -}}
- apiGroups: ['']
  resources: [pods]
  verbs: [list, watch, patch]
{{- end -}}

{{/* Everything that is about the objects of a namespace. */}}
{{- define "leaseholder.rules.namespace" -}}
{{ include "leaseholder.rules.objects" . }}
{{ include "leaseholder.rules.secrets" . }}
{{- if .Values.restart.enabled }}
{{ include "leaseholder.rules.restart" . }}
{{- end }}
{{- if .Values.nudge.enabled }}
{{ include "leaseholder.rules.nudge" . }}
{{- end }}
{{- end -}}
