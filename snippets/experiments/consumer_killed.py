"""E5: a consumer dies between taking a message and writing down that it has it."""

import signal

from .bench import Seen, bench
from .settings import REJECT, visible


# --8<-- [start:window]
def consumer_killed() -> Seen:
    with bench(REJECT | visible(3)) as it:
        frozen = it.worker()
        frozen.ask(signal.SIGSTOP)  # in the middle of its blocking read of the list
        names = ["one", "two", "three"]
        for name in names:
            it.send(name)
        it.wait(lambda: it.held() < 3)
        frozen.kill()
        it.worker()
        it.wait(lambda: len(it.diary("finish")) >= 2)
        it.settle()  # nothing is left in the broker that could still come back
        ran = {entry.name for entry in it.diary("finish")}
        return {"sent": 3, "ran": len(ran), "lost": 3 - len(ran), "held": it.held()}


# --8<-- [end:window]
