"""Pods and the nodes under them: they start, drain and go, as the autoscaler wants it."""

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import simpy
from autoscaler import Autoscaler
from scenario import Cluster

Steps = Generator[simpy.Event, object, None]
STOP, DEAD = "stop", "dead"
SCAN = 10.0  # seconds between two looks of the cluster autoscaler


@dataclass(eq=False)
class Node:
    """A place for pods, usable once `ready`."""

    ready: simpy.Event
    pods: int = 0
    empty_since: float | None = None
    closed: bool = False


@dataclass(eq=False)
class Pod:
    """A worker; its slots are interrupted with STOP at SIGTERM and with DEAD at its end."""

    node: Node | None = None
    slots: list[simpy.Process] = field(default_factory=list)
    busy: int = 0
    up: bool = False
    stopped: bool = False
    dead: bool = False

    def tell(self, what: str) -> None:
        for slot in self.slots:
            if slot.is_alive:
                slot.interrupt(what)


class Fleet:
    """All pods of one deployment. `serve` is called with each pod that came up."""

    def __init__(
        self,
        env: simpy.Environment,
        cluster: Cluster,
        chance: random.Random,
        serve: Callable[[Pod], None],
    ) -> None:
        self.env, self.cluster, self.chance, self._serve = env, cluster, chance, serve
        self.pods: list[Pod] = []
        self.nodes: list[Node] = []

    @property
    def slots(self) -> int:
        return sum(pod.up for pod in self.pods) * self.cluster.slots

    @property
    def ready_nodes(self) -> int:
        return sum(node.ready.processed for node in self.nodes)

    def start(self, pods: int) -> None:
        """The pods that are there at the beginning, on nodes that are."""
        for _ in range(pods):
            pod = self._pod()
            pod.node = self._room() or self._node(self.env.event().succeed())
            pod.node.pods += 1
            self._up(pod)
        self.env.process(self._cluster_autoscaler())

    def _pod(self) -> Pod:
        pod = Pod()
        self.pods.append(pod)
        return pod

    def _node(self, ready: simpy.Event) -> Node:
        node = Node(ready)
        self.nodes.append(node)
        return node

    def _room(self) -> Node | None:
        fits = (n for n in self.nodes if not n.closed and n.pods < self.cluster.pods_per_node)
        return max(fits, key=lambda node: node.pods, default=None)

    def _up(self, pod: Pod) -> None:
        pod.up = True
        self._serve(pod)

    # --8<-- [start:scale]
    def scale(self, autoscaler: Autoscaler, signal: Callable[[], float]) -> Steps:
        """Ask the rule every sync period and follow it."""
        while True:
            yield self.env.timeout(autoscaler.rules.sync)
            wanted = autoscaler.wanted(self.env.now, len(self.pods), signal())
            for _ in range(wanted - len(self.pods)):
                self.env.process(self._arrive(self._pod()))
            for pod in self._victims(len(self.pods) - wanted):
                self.env.process(self.drain(pod))

    def _victims(self, number: int) -> list[Pod]:
        """Pods that are not up yet first; among the others nobody knows which are busy."""
        order = self.chance.sample(self.pods, len(self.pods))
        return sorted(order, key=lambda pod: pod.up)[: max(0, number)]

    # --8<-- [end:scale]
    def _arrive(self, pod: Pod) -> Steps:
        """Wait for a place, for its node, for the image and the start."""
        while not pod.stopped:
            node = self._room()
            if node:
                pod.node, node.pods = node, node.pods + 1
                yield node.ready
                yield self.env.timeout(self.cluster.pod_start)
                if not pod.stopped:
                    self._up(pod)
                return
            yield self.env.timeout(1)

    def drain(self, pod: Pod) -> Steps:
        """SIGTERM; what still works when the grace is over is killed."""
        if pod.stopped:
            return
        self._leave(pod)
        pod.tell(STOP)
        over = self.env.any_of([self.env.all_of(pod.slots), self.env.timeout(self.cluster.grace)])
        yield over
        self.kill(pod)

    def _leave(self, pod: Pod) -> None:
        pod.stopped = True
        self.pods.remove(pod)

    def kill(self, pod: Pod) -> None:
        """Without a word: no release, no farewell."""
        if not pod.stopped:
            self._leave(pod)
        if not pod.dead:
            pod.dead = True
            pod.tell(DEAD)
            if pod.node:
                pod.node.pods -= 1

    def on(self, node: Node) -> list[Pod]:
        return [pod for pod in self.pods if pod.node is node]

    def remove(self, node: Node) -> None:
        node.closed = True
        if node in self.nodes:
            self.nodes.remove(node)

    def replace(self, pods: int) -> None:
        """What a ReplicaSet does when pods are gone."""
        for _ in range(pods):
            self.env.process(self._arrive(self._pod()))

    # --8<-- [start:nodes]
    def _cluster_autoscaler(self) -> Steps:
        """A node for pods without a place, within the quota; away with what stays empty."""
        while True:
            yield self.env.timeout(SCAN)
            homeless = sum(pod.node is None for pod in self.pods)
            room = sum(self.cluster.pods_per_node - n.pods for n in self.nodes if not n.closed)
            missing = -(-max(0, homeless - room) // self.cluster.pods_per_node)
            for _ in range(min(missing, self.cluster.nodes - len(self.nodes))):
                takes = self.cluster.node_start * self.chance.uniform(1, 1.5)
                self._node(self.env.timeout(takes))
            for node in [node for node in self.nodes if self._idle_too_long(node)]:
                self.remove(node)

    def _idle_too_long(self, node: Node) -> bool:
        if node.pods or not node.ready.processed:
            node.empty_since = None
        elif node.empty_since is None:
            node.empty_since = self.env.now
        return (
            node.empty_since is not None
            and self.env.now - node.empty_since >= self.cluster.idle_node
        )

    # --8<-- [end:nodes]
