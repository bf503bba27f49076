"""The Celery app: a dispatcher of hints, with the reason of each setting."""

from ssl import CERT_REQUIRED

from celery import Celery
from kombu import Queue
from redis import Redis

from demo.contract import KINDS
from demo.settings import settings
from demo.store.dispatching import Hint, Memory
from demo.wakeups import connect

QUEUES = sorted({kind.queue for kind in KINDS.values()})
PREFIX = "lro:"
MEMORY = f"{PREFIX}memory"
URL = settings().redis_url.get_secret_value()

app = Celery("demo", broker=URL, include=["demo.worker.task"])
# --8<-- [start:reliability]
app.conf.update(
    task_acks_late=False,  # the lease finds a dead worker in seconds; a late ack does in an hour
    worker_disable_prefetch=True,  # no hint waits behind a long task; Redis only
    worker_prefetch_multiplier=1,  # the same for what disable_prefetch leaves open
    task_ignore_result=True,  # the row holds the result, in the transaction of its status
    result_backend=None,  # a second truth would disagree some day
    task_serializer="json",  # a message is data, never code
    accept_content=["json"],  # and a pickle is refused
    task_create_missing_queues=False,  # a misspelt queue is an error, not a silent list
    worker_enable_remote_control=False,  # whoever reaches the broker can't steer workers
    worker_hijack_root_logger=False,  # logging is the process's own business
    broker_connection_retry_on_startup=True,  # a worker may start before its broker
    broker_connection_max_retries=None,  # and outlive any outage of it
    task_publish_retry=False,  # the dispatcher is the retry
    broker_transport_options={
        "global_keyprefix": PREFIX,  # two apps on one server don't see each other
        "priority_steps": [0],  # the rows have an order; a list for each priority has none to add
        "socket_timeout": 5,  # without it a publish on a half-open connection waits for ever
        "socket_connect_timeout": 2,
        "health_check_interval": 10,
    },
)
# --8<-- [end:reliability]
# --8<-- [start:tls]
if URL.startswith("rediss://"):  # without a word more kombu would believe any certificate
    app.conf.broker_use_ssl = {"ssl_cert_reqs": CERT_REQUIRED}
# --8<-- [end:tls]
app.conf.task_queues = [Queue(name) for name in QUEUES]


# --8<-- [start:hint]
def send_hint(hint: Hint, traceparent: str | None) -> None:
    """Say "go and claim": an id and the attempt that it must still have, nothing else."""
    app.send_task(
        "demo.run",
        args=[str(hint.id), hint.attempt],
        task_id=f"{hint.id}.{hint.attempt}",
        queue=hint.queue,
        headers={"traceparent": traceparent} if traceparent else None,
    )


# --8<-- [end:hint]


class Broker:
    """What the dispatcher asks the broker itself.

    Raises:
        redis.RedisError: from every method, when the broker can't be reached.
    """

    def __init__(self, url: str) -> None:
        self._redis: Redis = connect(url)

    def refuse_eviction(self) -> None:
        """Raise RuntimeError where a full server would silently drop queues."""
        memory = self._redis.info("memory")
        policy = memory.get("maxmemory_policy", "noeviction")
        if memory.get("maxmemory") and policy != "noeviction":
            raise RuntimeError(f"maxmemory-policy is {policy}: set noeviction, or hints get lost")

    def waiting(self) -> dict[str, int]:
        """How many hints lie in each queue."""
        with self._redis.pipeline(transaction=False) as pipe:
            for queue in QUEUES:
                pipe.llen(f"{PREFIX}{queue}")
            return dict(zip(QUEUES, pipe.execute(), strict=True))

    def memory(self) -> Memory | None:
        """What the broker remembers; None: it began from nothing."""
        epoch, counter = self._redis.hmget(MEMORY, "epoch", "counter")
        return Memory(str(epoch), int(counter or 0)) if epoch else None

    def begin(self, memory: Memory) -> None:
        """Start a new epoch in the broker."""
        self._redis.hset(MEMORY, mapping={"epoch": memory.epoch, "counter": memory.counter})

    def count(self, hints: int) -> Memory | None:
        """Count hints before they are sent; returns what the broker remembers now."""
        self._redis.hincrby(MEMORY, "counter", hints)
        return self.memory()

    def close(self) -> None:
        """Hang up."""
        self._redis.close()
