{{- define "lro.image" -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- end }}

{{- define "lro.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- /* The part of a pod that the restricted Pod Security Standard and its identity ask for. */}}
{{- define "lro.pod" -}}
serviceAccountName: {{ .part }}
automountServiceAccountToken: false # the workload identity's token comes by itself
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "lro.container" -}}
image: {{ include "lro.image" . }} # by digest: a tag can be moved, as the scanner Trivy's were
imagePullPolicy: IfNotPresent
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "lro.mounts" -}}
- {name: scratch, mountPath: /tmp}
- {name: secrets, mountPath: /mnt/secrets, readOnly: true}
{{- end }}

{{- define "lro.volumes" -}}
- name: scratch
  emptyDir: {sizeLimit: {{ .scratch }}}
- name: secrets
  {{- if .root.Values.keyVault.name }}
  csi:
    driver: secrets-store.csi.k8s.io
    readOnly: true
    volumeAttributes: {secretProviderClass: {{ .part }}}
  {{- else }}
  secret: {secretName: {{ .part }}, defaultMode: 0440}
  {{- end }}
{{- end }}

{{- define "lro.internet" -}}
- ipBlock:
    cidr: 0.0.0.0/0
    except:
      - 10.0.0.0/8
      - 100.64.0.0/10
      - 127.0.0.0/8
      - 169.254.0.0/16 # instance metadata among them
      - 172.16.0.0/12
      - 192.168.0.0/16
      - 168.63.129.16/32 # Azure's WireServer
{{- end }}

{{- define "lro.blobs" -}}
- {name: AZURE_STORAGE_ACCOUNT_NAME, value: {{ .Values.storage.account }}}
- {name: DEMO_BLOB_URL, value: {{ printf "az://%s" .Values.storage.container | quote }}} # signed in by workload identity
{{- end }}

{{- define "lro.secrets" -}}
- {name: DEMO_SECRETS, value: /mnt/secrets}
{{- if .Values.network.plainData }}
- {name: DEMO_PLAIN_DATA, value: "true"} # no TLS to the data: a cluster to throw away
{{- end }}
{{- end }}
