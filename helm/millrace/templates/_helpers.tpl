{{- define "millrace.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "millrace.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "millrace.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "millrace.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "millrace.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "millrace.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "millrace.name" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "millrace.maxReplicas" -}}
{{- .Values.autoscaling.maxReplicas | default .Values.partitions }}
{{- end }}

{{- /* What the schema cannot say: one value against another. */}}
{{- define "millrace.validate" -}}
{{- $partitions := int .Values.partitions }}
{{- if and (eq .Values.autoscaling.kind "none") (gt (int .Values.replicas) $partitions) }}
{{- fail (printf "replicas is %d, but there are tasks for %d workers only (partitions): the others would have nothing to do" (int .Values.replicas) $partitions) }}
{{- end }}
{{- if ne .Values.autoscaling.kind "none" }}
{{- $most := int (include "millrace.maxReplicas" .) }}
{{- if gt $most $partitions }}
{{- fail (printf "autoscaling.maxReplicas is %d, but there are tasks for %d workers only (partitions)" $most $partitions) }}
{{- end }}
{{- if gt (int .Values.autoscaling.minReplicas) $most }}
{{- fail (printf "autoscaling.minReplicas is %d, more than autoscaling.maxReplicas, %d" (int .Values.autoscaling.minReplicas) $most) }}
{{- end }}
{{- end }}
{{- if and (has "entity" .Values.roles) (not .Values.redis.url) (not .Values.existingSecret) }}
{{- fail "redis.url is needed by the role entity (or MILLRACE_REDIS_URL in existingSecret)" }}
{{- end }}
{{- if and (has "offline" .Values.roles) (not .Values.s3.bucket) }}
{{- fail "s3.bucket is needed by the role offline" }}
{{- end }}
{{- range $name, $_ := .Values.settings }}
{{- if regexMatch "PASSWORD|SECRET|TOKEN|HEADERS" $name }}
{{- fail (printf "settings.%s would stand in the open; put it into a Secret and name that in existingSecret" $name) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "millrace.env" -}}
- name: MILLRACE_APPLICATION_ID
  value: {{ .Values.applicationId | quote }}
- name: MILLRACE_KAFKA_BROKERS
  value: {{ .Values.kafka.brokers | quote }}
{{- with .Values.redis.url }}
- name: MILLRACE_REDIS_URL
  value: {{ . | quote }}
{{- end }}
{{- range $name, $value := .Values.s3 }}
{{- with $value }}
- name: MILLRACE_S3_{{ $name | upper }}
  value: {{ . | quote }}
{{- end }}
{{- end }}
- name: MILLRACE_ROLES
  value: {{ join "," .Values.roles | quote }}
- name: MILLRACE_STATE_DIR
  value: /var/lib/millrace/state
- name: MILLRACE_HTTP_PORT
  value: '8080'
- name: MILLRACE_WORKERS
  value: http://{{ include "millrace.name" . }}-pods:8080
{{- if and (eq .Values.workload "statefulset") .Values.staticMembership }}
- name: MILLRACE_GROUP_INSTANCE_ID
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
{{- end }}
- name: NODE_OPTIONS
  {{- /* States that come from disk and leave again live for a commit or two: too long for the small young generation of the default. */}}
  value: --max-old-space-size={{ .Values.heapMiB }} --max-semi-space-size={{ max 16 (div .Values.heapMiB 16) }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{- define "millrace.pod" -}}
metadata:
  labels:
    {{- include "millrace.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- with .Values.podAnnotations }}
  annotations: {{ toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "millrace.serviceAccount" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: { type: RuntimeDefault }
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  containers:
    - name: worker
      image: {{ include "millrace.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [worker, {{ .Values.definitions.file | quote }}]
      env: {{ include "millrace.env" . | nindent 8 }}
      {{- with .Values.existingSecret }}
      envFrom:
        - secretRef: { name: {{ . }} }
      {{- end }}
      ports:
        - { name: http, containerPort: 8080 }
      # Live: it makes progress, or knows what it waits for (a restore, Redis). Ready: restored.
      startupProbe:
        httpGet: { path: /livez, port: http }
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: {{ div (add .Values.probes.startupSeconds 4) 5 }}
      livenessProbe:
        httpGet: { path: /livez, port: http }
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 3
      readinessProbe:
        httpGet: { path: /readyz, port: http }
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      resources: {{ toYaml .Values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      volumeMounts:
        - { name: state, mountPath: /var/lib/millrace }
        - { name: tmp, mountPath: /tmp }
        {{- if .Values.definitions.configMap }}
        - { name: definitions, mountPath: /app/definitions, readOnly: true }
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: { sizeLimit: 256Mi }
    {{- if eq .Values.workload "deployment" }}
    - name: state
      emptyDir: { sizeLimit: {{ .Values.state.size }} }
    {{- end }}
    {{- with .Values.definitions.configMap }}
    - name: definitions
      configMap: { name: {{ . }} }
    {{- end }}
  {{- if .Values.topologySpread }}
  topologySpreadConstraints:
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{ include "millrace.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
{{- end }}
