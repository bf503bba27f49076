"""Why an attempt stops before its work is done."""

from demo.contract import Status


class Interrupted(BaseException):
    """The attempt must stop here; not an Exception, so that no work swallows it."""


class Canceled(Interrupted):
    """A client canceled the task."""


class Expired(Interrupted):
    """The task's deadline has passed."""


class Released(Interrupted):
    """The worker shuts down; the task goes on elsewhere."""


class Fenced(Interrupted):
    """Another attempt owns the task; nothing may be written any more."""


def told_by(status: Status | None) -> type[Interrupted] | None:
    """What a row's status, read under this attempt's number, says to its holder."""
    if status is Status.CANCELING:
        return Canceled
    return None if status is Status.RUNNING else Fenced
