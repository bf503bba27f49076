"""The flags that are called safe, one on top of the other."""

from .bench import Settings

DEFAULTS: Settings = {}
LATE: Settings = {"task_acks_late": True, "worker_prefetch_multiplier": 1}
REJECT: Settings = LATE | {"task_reject_on_worker_lost": True}


def visible(seconds: int, **sweep: int) -> Settings:
    """A short visibility timeout; the default is an hour."""
    sweep = sweep or {"unacked_restore_interval": 1, "unacked_restore_throttle": 1}
    return {"broker_transport_options": {"visibility_timeout": seconds, **sweep}}
