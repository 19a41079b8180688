{{- define "leaseholder.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Names of what belongs to the whole cluster: two releases must not meet. */}}
{{- define "leaseholder.clusterName" -}}
{{- if eq (include "leaseholder.fullname" .) "leaseholder" -}}
{{- if eq .Release.Namespace "leaseholder-system" }}leaseholder{{ else }}{{ printf "leaseholder-%s" .Release.Namespace }}{{ end -}}
{{- else -}}
{{- printf "%s-%s" .Release.Namespace (include "leaseholder.fullname" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "leaseholder.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "leaseholder.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name must say which account the pods use where serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The Lease that the replicas hold their election with. */}}
{{- define "leaseholder.election" -}}
{{- $base := "leaseholder" -}}
{{- if eq .Values.scope "namespaces" -}}{{- $base = include "leaseholder.fullname" . -}}{{- end -}}
{{- if .Values.shard -}}{{ printf "%s-%s" $base .Values.shard }}{{- else -}}{{ $base }}{{- end -}}
{{- end -}}

{{- define "leaseholder.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "leaseholder.labels" -}}
{{ include "leaseholder.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "leaseholder.image" -}}
{{- $version := default .Chart.AppVersion .Values.image.tag -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ $version }}
{{- end -}}
{{- end -}}

{{- define "leaseholder.arguments" -}}
- run
- --listen={{ if contains ":" .Values.metrics.address }}[{{ .Values.metrics.address }}]{{ else }}{{ .Values.metrics.address }}{{ end }}:{{ .Values.metrics.port }}
- --log-level={{ .Values.log.level }}
- --workers={{ .Values.workers }}
- --leader-election-name={{ include "leaseholder.election" . }}
{{- if eq .Values.scope "namespaces" }}
- --namespaces={{ join "," .Values.namespaces }}
{{- end }}
{{- with .Values.shard }}
- --shard={{ . }}
{{- end }}
{{- with .Values.installationId }}
- --installation-id={{ . }}
{{- end }}
{{- with .Values.allowedHosts }}
- --allowed-hosts={{ . }}
{{- end }}
{{- if ne .Values.cloudIdentity "cluster" }}
- --cloud-identity={{ .Values.cloudIdentity }}
{{- end }}
{{- if .Values.allowInsecureTls }}
- --allow-insecure-tls=on
{{- end }}
{{- if eq .Values.secretAccess "strict" }}
- --strict=on
{{- end }}
{{- if .Values.nudge.enabled }}
- --nudge-pods=on
{{- end }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* "yes" where cluster connections are a kind that the cluster knows. */}}
{{- define "leaseholder.clusterConnection.kind" -}}
{{- if .Capabilities.APIVersions.Has "leaseholder.dev/v1alpha1/ClusterInfisicalConnection" -}}yes{{- end -}}
{{- end -}}

{{/* "release" where the last upgrade had the connection among its objects. The Deployment bears it in mind. */}}
{{- define "leaseholder.clusterConnection.owner" -}}
{{- $deployment := lookup "apps/v1" "Deployment" .Release.Namespace (include "leaseholder.fullname" .) -}}
{{- dig "metadata" "annotations" "leaseholder.dev/cluster-connection" "" $deployment -}}
{{- end -}}

{{/* What the schema cannot say. */}}
{{- define "leaseholder.check" -}}
{{- if and (eq .Values.scope "namespaces") (not .Values.namespaces) }}
{{- fail "scope is namespaces: name them in namespaces" }}
{{- end }}
{{- if and (eq .Values.scope "cluster") .Values.namespaces }}
{{- fail "namespaces are named, and scope is cluster: set scope to namespaces, or leave them out" }}
{{- end }}
{{- if and .Values.clusterConnection.enabled (ne .Values.scope "cluster") }}
{{- fail "clusterConnection.enabled takes scope: cluster: an operator of some namespaces does not see cluster connections" }}
{{- end }}
{{- range .Values.credentials.serviceAccounts }}
{{- if and (eq $.Values.scope "namespaces") (not (has .namespace $.Values.namespaces)) }}
{{- fail (printf "credentials.serviceAccounts names one of namespace %s, which is not among namespaces" .namespace) }}
{{- end }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled }}
{{- fail "metrics.serviceMonitor and metrics.podMonitor are both enabled: every figure would be counted twice" }}
{{- end }}
{{- if and .Values.networkPolicy.enabled (not .Values.networkPolicy.apiServerCIDRs) }}
{{- fail "networkPolicy.enabled takes networkPolicy.apiServerCIDRs: without the API server the operator does nothing" }}
{{- end }}
{{- end -}}
