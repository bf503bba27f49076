/** Nodes from pods: what AKS leaves of a VM, and how many whole pods fit into it. */

import { fewest } from "./erlang.mjs";

// --8<-- [start:allocatable]
/** vCPU and GB of a VM. */
export const VMS = {
  D2s_v5: [2, 8],
  D4s_v5: [4, 16],
  D8s_v5: [8, 32],
  D16s_v5: [16, 64],
  E4s_v5: [4, 32],
  E8s_v5: [8, 64],
};
const RESERVED_CPU = { 2: 0.1, 4: 0.14, 8: 0.18, 16: 0.26 };
/** GB: the kubelet evicts below 100 MiB free. */
const EVICTION = 0.1;

/** CPUs and GB that pods may request on an AKS node (Kubernetes ≥ 1.29). */
export function allocatable(vm, maxPods) {
  const [cpus, memory] = VMS[vm];
  const reserved = Math.min(0.02 * maxPods + 0.05, 0.25 * memory);
  return [cpus - RESERVED_CPU[cpus], memory - reserved - EVICTION];
}

// --8<-- [end:allocatable]
// --8<-- [start:packing]
/** Whole pods of one size beside the DaemonSets. CPUs and GB, as requested. */
export function podsPerNode(vm, pod, maxPods, daemons = { cpu: 0, memory: 0, pods: 0 }) {
  const [cpus, memory] = allocatable(vm, maxPods);
  const byCpu = Math.floor((cpus - daemons.cpu) / pod.cpu + 1e-9);
  const byMemory = Math.floor((memory - daemons.memory) / pod.memory + 1e-9);
  return Math.max(0, Math.min(byCpu, byMemory, maxPods - daemons.pods));
}

/** Nodes that hold the pods when one of the zones is gone (one zone: no reserve). */
export function nodesFor(pods, perNode, zones = 1) {
  const full = Math.ceil(pods / perNode);
  return zones === 1 ? full : Math.ceil(full / (zones - 1)) * zones;
}

/** The share of time in which `needed` of `nodes` are there, each alone away for `away` of it. */
export function there(nodes, needed, away) {
  let [chance, log] = [0, nodes * Math.log1p(-away)];
  for (let gone = 0; gone <= nodes - needed; gone++) {
    chance += Math.exp(log);
    log += Math.log((nodes - gone) / (gone + 1)) + Math.log(away / (1 - away));
  }
  return chance;
}

/** The fewest nodes of which `needed` are there for `target` of the time. */
export const nodesHeld = (needed, away, target) =>
  fewest(needed, (nodes) => there(nodes, needed, away) >= target);

/** Extra nodes while a pool is upgraded: quota you must have, and pay for that hour. */
export const surge = (nodes, share = 0.33) => Math.ceil(nodes * share);

// --8<-- [end:packing]
// --8<-- [start:connections]
/** User connections of Azure Database for PostgreSQL flexible server, smallest first. */
export const SERVERS = { D2: 844, D4: 1703, D8: 3422, D16: 4985 };

/** Connections of a slot: one while it works, what its pool keeps, what it may ever open. */
export const SLOT = { busy: 1, kept: 2, most: 4 };

/** Valkey: one connection a slot for wake-ups, two a worker for hints. */
export const valkey = (pods, slotsPerPod) => pods * (slotsPerPod + 2);

/** The smallest server that takes so many connections, or nothing. */
export const serverFor = (connections) =>
  Object.keys(SERVERS).find((name) => SERVERS[name] >= connections);
// --8<-- [end:connections]
