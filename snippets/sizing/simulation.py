"""A discrete-event simulation: arrivals, queue, pods and nodes under the autoscaler's rule.

`Simulation(scenario, seed).run()` plays a scenario once and gives its `Outcome`.
"""

import random
from collections.abc import Iterable
from itertools import count

import simpy
from autoscaler import Autoscaler
from fleet import DEAD, Fleet, Node, Pod, Steps
from outcome import Outcome, Task
from scenario import Fault, Scenario

SPOT_NOTICE = 30.0
CRASH = 15.0  # seconds after which a poisoned task takes its worker with it
UPGRADE = 300.0  # seconds that a node's upgrade takes after its drain
MINUTE, HOUR = 60.0, 3600.0


class Simulation:
    """One scenario, one seed. `trace` gives arrivals and durations instead of chance."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int = 20,
        trace: Iterable[tuple[float, float]] | None = None,
    ) -> None:
        self.scenario, self.core = scenario, scenario.core
        self.chance = random.Random(seed)  # noqa: S311 - no secret
        self.trace = list(scenario.draw(self.chance) if trace is None else trace)
        self.env = simpy.Environment()
        self.queue = simpy.PriorityStore(self.env)
        self.outcome = Outcome()
        self.fleet = Fleet(self.env, scenario.cluster, self.chance, self._serve)
        self.running = 0
        self.hints = self.env.event().succeed()  # processed while the broker is there
        self._numbers = count()

    def run(self) -> Outcome:
        """Play until every task has ended, at most 40 times as long as tasks arrive."""
        self.fleet.start(self.scenario.pods)
        for process in (self._arrivals(), self._watch(), *map(self._fault, self.scenario.faults)):
            self.env.process(process)
        if self.scenario.scaling:
            self.env.process(self.fleet.scale(Autoscaler(self.scenario.scaling), self._signal))
        end = self.scenario.hours * HOUR
        self.env.run(until=end)
        while self.outcome.lost and self.env.now < 40 * end:
            self.env.run(until=self.env.now + MINUTE)
        return self.outcome

    def _signal(self) -> float:
        rules = self.scenario.scaling
        return len(self.queue.items) + (self.running if rules and rules.running else 0)

    def _arrivals(self) -> Steps:
        for at, takes in self.trace:
            yield self.env.timeout(at - self.env.now)
            self._submit(takes)

    def _submit(self, takes: float, *, poison: bool = False) -> None:
        task = Task(self.env.now, next(self._numbers), takes, poison)
        self.outcome.tasks.append(task)
        self._offer(task)

    def _watch(self) -> Steps:
        while True:
            waiting = len(self.queue.items)
            now = (self.env.now, waiting, self.running, self.fleet.slots, self.fleet.ready_nodes)
            self.outcome.series.append(now)
            yield self.env.timeout(MINUTE)

    def _serve(self, pod: Pod) -> None:
        pod.slots = [self.env.process(self._slot(pod)) for _ in range(self.scenario.cluster.slots)]

    # --8<-- [start:slot]
    def _slot(self, pod: Pod) -> Steps:
        """Claim the oldest task and work; SIGTERM ends the waiting at once, a work at its step."""
        while not pod.stopped:
            claim = self.queue.get() if self.hints.processed else None
            try:
                task = yield claim or self.hints
            except simpy.Interrupt:
                self._unclaim(claim)
                return
            if claim:
                pod.busy += 1
                yield from self._work(task)
                pod.busy -= 1

    def _unclaim(self, claim: simpy.resources.store.StoreGet | None) -> None:
        if claim and claim.triggered:
            self.queue.put(claim.value)
        elif claim:
            claim.cancel()

    def _work(self, task: Task) -> Steps:
        began = self.env.now
        task.started = began if task.started is None else task.started
        self.running += 1
        whole = CRASH if task.poison else task.left
        rest, ended, lost = whole, False, False
        try:
            yield self.env.timeout(rest)
            ended = True
        except simpy.Interrupt as told:
            lost = told.cause == DEAD
            worked = self.env.now - began
            rest = min(whole - worked, self._rest_of_step(worked))
        if not ended and not lost:
            ended = rest == whole - (self.env.now - began)
            try:
                yield self.env.timeout(rest)
            except simpy.Interrupt:
                ended, lost = False, True
        self.running -= 1
        self._after(task, self.env.now - began, ended=ended, lost=lost)

    def _rest_of_step(self, worked: float) -> float:
        return -worked % self.core.step if self.core.step else float("inf")

    def _after(self, task: Task, worked: float, *, ended: bool, lost: bool) -> None:
        """It ended, or goes back: at once when released, after the lease when its worker died."""
        if ended and task.poison:
            self._crashed(task, worked)
        elif ended:
            task.ended = self.env.now
        else:
            kept = self._kept(worked) if lost else worked
            task.left -= kept
            self.outcome.redone += worked - kept
            self.outcome.releases += not lost
            self.env.process(self._again(task, self.core.recovery if lost else 0.0))

    def _kept(self, worked: float) -> float:
        return worked - worked % self.core.step if self.core.step else 0.0

    # --8<-- [end:slot]
    def _crashed(self, task: Task, worked: float) -> None:
        """The parent sees its child die: the task goes back at once, or fails after so many."""
        task.crashes += 1
        self.outcome.redone += worked - self._kept(worked)
        if task.crashes > self.core.crashes:
            task.ended = self.env.now
        else:
            self._offer(task)

    def _again(self, task: Task, after: float) -> Steps:
        self.outcome.recoveries += after > 0
        yield self.env.timeout(after)
        self._offer(task)

    def _offer(self, task: Task) -> None:
        """Without a broker there are no hints: the row waits."""
        if self.hints.processed:
            self.queue.put(task)
        else:
            self.hints.callbacks.append(lambda _: self.queue.put(task))

    # --8<-- [start:faults]
    def _fault(self, fault: Fault) -> Steps:
        yield self.env.timeout(fault.at)
        if fault.what == "broker":
            self.hints = self.env.event()
            yield self.env.timeout(fault.lasts)
            self.hints.succeed()
        elif fault.what == "poison":
            for _ in range(fault.tasks):
                self._submit(10 * CRASH, poison=True)
        elif fault.what == "upgrade":
            for node in list(self.fleet.nodes):
                yield from self._evict(node, notice=self.scenario.cluster.grace)
                yield self.env.timeout(UPGRADE)
        else:
            number = max(1, round(fault.share * len(self.fleet.nodes)))
            notice = SPOT_NOTICE if fault.what == "spot" else 0.0
            for node in self.chance.sample(self.fleet.nodes, min(number, len(self.fleet.nodes))):
                self.env.process(self._evict(node, notice))

    def _evict(self, node: Node, notice: float) -> Steps:
        """Drain the node's pods as far as the notice allows, start others elsewhere."""
        node.closed = True
        pods = self.fleet.on(node)
        self.fleet.replace(len(pods))
        for pod in pods if notice else ():
            self.env.process(self.fleet.drain(pod))
        yield self.env.timeout(notice)
        for pod in pods:
            self.fleet.kill(pod)
        self.fleet.remove(node)

    # --8<-- [end:faults]
