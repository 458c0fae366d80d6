{{- define "caddyfile" -}}
{{ .Values.caddyfile | default (tpl (.Files.Get "Caddyfile.tpl") .) }}
{{- end }}

{{- /* With a hash, so that a changed Caddyfile restarts the pod. */ -}}
{{- define "caddyfile.name" -}}
{{ .Release.Name }}-caddyfile-{{ include "caddyfile" . | sha256sum | trunc 10 }}
{{- end }}
