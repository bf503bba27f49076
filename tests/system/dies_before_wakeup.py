"""A fault in a real worker: its child dies right after the COMMIT of its second checkpoint."""

import os
import signal

from demo.wakeups import Publisher

_publish = Publisher.publish


def publish(self, *tasks):
    if any(task.step == 2 for task in tasks):
        os.kill(os.getppid(), signal.SIGKILL)  # the parent too, so that nobody else tells
        os.kill(os.getpid(), signal.SIGKILL)
    _publish(self, *tasks)


Publisher.publish = publish
