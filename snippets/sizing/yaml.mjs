/** A plan as files: values for the Helm chart, and what the chart makes of them. */

/** The chart's values of one plan, or of several with what they come to together. */
export const values = (api, plans = [api]) =>
  [
    "api:",
    `  replicas: ${api.replicas}`,
    `  maxReplicas: ${Math.max(12, api.replicas * 2)}`,
    `  streams: ${api.room}`,
    "scaling:",
    `  signal: ${plans.at(-1).asked.signal}`,
    "workers:",
    ...plans.flatMap(workers),
    "",
  ].join("\n");

/** One pool, or two where a part runs on Spot. */
function workers(p) {
  const { name } = p.asked;
  const pools = p.spots ? [regular(p, p.floor, p.floor), spot(p)] : [regular(p, p.floor, p.ceiling)];
  return pools.flatMap(([suffix, pool]) => [
    `  ${dashed(name)}${suffix}:`,
    `    queue: ${name}`,
    `    concurrency: ${p.each}`,
    ...Object.entries(pool).map(([key, value]) => `    ${key}: ${value}`),
    `    cpu: "${p.cpu}"`,
    `    memory: ${p.memory}Mi`,
  ]);
}

const dashed = (name) => name.replaceAll("_", "-");
const regular = (p, min, max) => ["", { min, max, fallback: p.pods, grace: Math.round(p.asked.grace) }];
const spot = (p) => ["-spot", { min: 0, max: p.ceiling - p.floor || 1, spot: true, above: p.floor * p.each, grace: 10 }];

/** The ScaledObject of the regular pool, as the chart renders it. */
export function scaledObject(p, host = "example.postgres.database.azure.com") {
  const name = dashed(p.asked.name);
  return `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: worker-${name}
spec:
  scaleTargetRef: {name: worker-${name}}
  minReplicaCount: ${p.floor}
  maxReplicaCount: ${p.spots ? p.floor : p.ceiling}
  pollingInterval: 15
  fallback: {failureThreshold: 4, replicas: ${p.pods}, behavior: currentReplicasIfHigher}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        scaleUp:
          stabilizationWindowSeconds: 0
          tolerance: "0.01"
        scaleDown:
          stabilizationWindowSeconds: 1800
          policies: [{type: Pods, value: 1, periodSeconds: 300}]
  triggers:
    - ${trigger(p, host)}
`;
}

// --8<-- [start:trigger]
const trigger = (p, host) =>
  p.asked.signal === "redis"
    ? `type: redis
      authenticationRef: {name: scaler}
      metadata:
        address: "example.redis.azure.net:10000"
        enableTLS: "true"
        databaseIndex: "0"
        listName: lro:${p.asked.name}
        listLength: "${p.each}"`
    : `type: postgresql
      authenticationRef: {name: scaler}
      metadata:
        host: ${host}
        port: "5432"
        userName: lro_scaler
        dbName: lro
        sslmode: verify-full # by the certificates that KEDA's own image trusts
        query: "SELECT coalesce(sum(tasks), 0) FROM demand WHERE queue = '${p.asked.name}'"
        targetQueryValue: "${p.each}"`;

// --8<-- [end:trigger]

/** The API's autoscaler. */
export const hpa = (p) => `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: api
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  minReplicas: ${p.replicas}
  maxReplicas: ${Math.max(12, p.replicas * 2)}
  metrics:
    - type: Pods
      pods:
        metric: {name: lro_open_streams}
        target: {type: AverageValue, averageValue: "${p.room}"}
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: 60}
  behavior:
    scaleDown:
      stabilizationWindowSeconds: 600
      policies: [{type: Pods, value: 1, periodSeconds: 300}]
`;

/** What protects the workers from drains; no budget protects them from an autoscaler. */
export const pdb = (p) => `apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: worker-${dashed(p.asked.name)}
spec:
  maxUnavailable: 10%
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {app: worker-${dashed(p.asked.name)}}
`;

/** All files by name. */
export const files = (p) => ({
  "values.yaml": values(p),
  "scaledobject.yaml": scaledObject(p),
  "hpa.yaml": hpa(p),
  "pdb.yaml": pdb(p),
});
