"""E4: Valkey dies and comes back without its memory, or comes back later with it (E6)."""

import time

from .bench import Seen, bench
from .settings import LATE, REJECT, visible


def forgotten() -> Seen:
    with bench(LATE) as it:
        it.worker()
        names = [f"report-{number}" for number in range(5)]
        for name in names:
            it.send(name, seconds=3)  # so that the broker dies while the first one runs
        running = it.started(names[0])
        it.valkey.kill()
        it.valkey.start(forget=True)
        it.wait(lambda: it.diary("finish", running.name))
        it.send("next")
        it.wait(lambda: it.diary("finish", "next"))
        it.settle()
        finished = sum(entry.name in names for entry in it.diary("finish"))
        states = ", ".join(sorted({it.state(name) for name in names[1:]}))
        return {"sent": 5, "finished": finished, "lost": 5 - finished, "state_of_lost": states}


def away() -> Seen:
    with bench(REJECT | visible(5)) as it:
        it.worker()
        it.send("report", seconds=4)
        it.started("report")
        it.valkey.kill()  # what it accepted is in its append-only file
        down = time.time()
        it.wait(lambda: it.diary("finish", "report"))
        it.wait(lambda: time.time() - down > 7)
        it.valkey.start()
        it.wait(lambda: len(it.diary("finish", "report")) == 2)
        it.settle()
        return it.seen("report")
