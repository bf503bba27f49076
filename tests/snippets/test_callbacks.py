"""A task's end is told to its receiver: once it counts, however often it is sent or replayed."""

import json
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest

from demo.contract import PermanentFailure
from demo.local.servers import free_port
from demo.outbound.guard import Guard, dial
from tests.stack import Stack

from .conftest import SNIPPETS, Wait, answers, loaded

OLD, NEW = (f"whsec_{b64encode(letter * 32).decode()}" for letter in (b"o", b"n"))
NAME, PUBLIC = "receiver.test", "93.184.215.14"
URL = f"http://{NAME}/done"


class Receiver:
    """The receiver as a process, and what it has kept."""

    def __init__(self, database: str, environment: dict[str, str]) -> None:
        self._database, self._environment = database, environment
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/done"

    def start(self, *days: str, secrets: str = OLD) -> None:
        told = {"DATABASE_URL": self._database, "CALLBACK_SECRETS": secrets}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "receiver_faults:app", "--port", str(self.port)],
            cwd=Path(__file__).parent,
            env=self._environment | told | {"BAD_DAYS": ",".join(days)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def answers(self) -> bool:
        return answers(self.url.replace("/done", "/docs"))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self._database)
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            found = cursor.fetchall()
        connection.close()
        return found

    def kept(self) -> list[dict[str, Any]]:
        return [json.loads(body) for (body,) in self.rows("SELECT body FROM received")]

    def callbacks(self) -> list[tuple[str, int]]:
        """Status and attempts of each."""
        return self.rows("SELECT status, attempts FROM callbacks ORDER BY id")


@pytest.fixture
def receiver(database: Any, environment: dict[str, str], eventually: Wait) -> Iterator[Any]:
    made = Receiver(database.owner, environment)

    def start(*days: str, secrets: str = OLD) -> Receiver:
        made.start(*days, secrets=secrets)
        eventually(made.answers)
        return made

    yield start
    made.stop()


@pytest.fixture
def signing(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SNIPPETS / "callbacks"))
    return loaded("callbacks/signing.py")


Send = Callable[..., Any]


@pytest.fixture
def sender(database: Any, signing: Any) -> Iterator[Send]:
    """Makes senders; the name of the receiver is a public one to them, as long as `at` is."""
    module = loaded("callbacks/sender.py")
    made: list[Any] = []

    def make(receiver: Receiver, *secrets: str, at: str = PUBLIC, most: int = 12) -> Any:
        guard = Guard(
            resolve=lambda host, port, seconds: [at],
            dial=lambda address, port, seconds: dial("127.0.0.1", receiver.port, seconds),
        )
        made.append(module.Sender(database.owner, secrets or [OLD], guard, first=0.1, most=most))
        return made[-1]

    yield make
    for one in made:
        one.close()


def ended(stack: Stack) -> str:
    """The monitor of a task that has ended."""
    task = stack.submit(steps=1, step_seconds=0)
    stack.ended(task)
    return f"{stack.url}/tasks/{task['id']}"


def until_closed(sender: Any, receiver: Receiver, eventually: Wait) -> None:
    def closed() -> bool:
        while sender.deliver():
            pass
        return {status for status, _ in receiver.callbacks()} <= {"delivered", "given_up"}

    sender.collect()
    eventually(closed)


@pytest.mark.claim("callbacks.retried")
def test_a_receiver_that_fails_first_is_told_later(
    stack: Stack, receiver: Any, sender: Send, eventually: Wait
) -> None:
    there = receiver("503", "500")
    sends, monitor = sender(there), ended(stack)
    sends.register(monitor, URL)
    until_closed(sends, there, eventually)
    assert there.callbacks() == [("delivered", 3)]
    (told,) = there.kept()
    assert (told["type"], told["data"]["links"]["self"]) == ("task.succeeded", monitor)


def test_nothing_is_told_while_the_task_runs(stack: Stack, receiver: Any, sender: Send) -> None:
    there = receiver()
    sends, task = sender(there), stack.submit(steps=1, step_seconds=600)
    sends.register(f"{stack.url}/tasks/{task['id']}", URL)
    sends.collect()
    assert not sends.deliver()
    stack.client.post(f"/tasks/{task['id']}/cancel")
    stack.ended(task)
    sends.collect()
    assert sends.deliver()
    assert [told["type"] for told in there.kept()] == ["task.canceled"]


@pytest.mark.claim("callbacks.counted-once")
def test_a_delivery_whose_answer_was_lost_is_sent_again_and_counts_once(
    stack: Stack, receiver: Any, sender: Send, eventually: Wait
) -> None:
    there = receiver("lost")
    sends = sender(there)
    sends.register(ended(stack), URL)
    until_closed(sends, there, eventually)
    assert there.callbacks() == [("delivered", 2)]
    assert len(there.kept()) == 1


@pytest.mark.claim("callbacks.any-number")
def test_senders_side_by_side_send_each_once(
    stack: Stack, receiver: Any, sender: Send, eventually: Wait
) -> None:
    there = receiver()
    senders, monitor = [sender(there) for _ in range(3)], ended(stack)
    for _ in range(9):
        senders[0].register(monitor, URL)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda one: until_closed(one, there, eventually), senders))
    assert there.callbacks() == [("delivered", 1)] * 9
    assert len(there.kept()) == 9


@pytest.mark.claim("callbacks.gives-up")
@pytest.mark.parametrize(("days", "attempts"), [(["410"], 1), (["500"] * 9, 3)])
def test_a_receiver_that_is_gone_is_given_up(
    stack: Stack, receiver: Any, sender: Send, eventually: Wait, days: list[str], attempts: int
) -> None:
    there = receiver(*days)
    sends = sender(there, most=3)
    sends.register(ended(stack), URL)
    until_closed(sends, there, eventually)
    assert there.callbacks() == [("given_up", attempts)]
    assert there.kept() == []


@pytest.mark.claim("callbacks.monitor-away")
def test_a_monitor_that_is_away_holds_up_no_other_and_one_that_is_gone_is_given_up(
    stack: Stack, receiver: Any, sender: Send
) -> None:
    there = receiver()
    sends = sender(there)
    for monitor in (f"http://127.0.0.1:{free_port()}/", f"{stack.url}/tasks/nobody", ended(stack)):
        sends.register(monitor, URL)
    sends.collect()
    assert sends.deliver()
    assert sorted(status for status, _ in there.callbacks()) == ["delivered", "given_up", "waiting"]


@pytest.mark.claim("callbacks.guarded")
@pytest.mark.parametrize("url", ["http://169.254.169.254/latest", "http://127.0.0.1/done"])
def test_an_address_inside_is_not_told(
    stack: Stack, receiver: Any, sender: Send, eventually: Wait, url: str
) -> None:
    there = receiver()
    inside = httpx.URL(url).host
    sends = sender(there, at=inside, most=2)
    sends.register(ended(stack), URL)  # a name that looks public, and leads inside
    sends.register(ended(stack), url)
    until_closed(sends, there, eventually)
    assert there.callbacks() == [("given_up", 2)] * 2
    assert there.kept() == []


def test_a_url_that_may_not_be_asked_is_refused_when_it_is_named(
    receiver: Any, sender: Send
) -> None:
    with pytest.raises(PermanentFailure):
        sender(receiver()).register("http://127.0.0.1/tasks/1", "file:///etc/passwd")


BODY = b'{"type": "task.succeeded"}'


def post(there: Receiver, headers: dict[str, str], body: bytes = BODY) -> int:
    """What anybody may send who knows the URL."""
    sent = httpx.post(there.url, content=body, headers=headers, trust_env=False)
    return sent.status_code


@pytest.mark.claim("callbacks.forged")
def test_what_was_not_signed_with_the_secret_is_refused(receiver: Any, signing: Any) -> None:
    there, now = receiver(), int(time.time())
    good = signing.headers([OLD], "msg_1", now, BODY)
    forged = [
        ({}, BODY),
        (signing.headers([NEW], "msg_1", now, BODY), BODY),
        (good, BODY + b" "),
        (good | {"webhook-id": "msg_2"}, BODY),
        (good | {"webhook-timestamp": str(now + 1)}, BODY),
        (good | {"webhook-timestamp": "1e9"}, BODY),
        (good | {"webhook-signature": "v1,"}, BODY),
    ]
    assert [post(there, *one) for one in forged] == [401] * len(forged)
    assert there.kept() == []
    assert post(there, good) == 204


@pytest.mark.claim("callbacks.replayed")
def test_a_replay_counts_once_and_an_old_one_is_refused(receiver: Any, signing: Any) -> None:
    there, now = receiver(), int(time.time())
    captured = signing.headers([OLD], "msg_1", now, BODY)
    assert [post(there, captured) for _ in range(3)] == [204] * 3
    assert len(there.kept()) == 1
    late = signing.headers([OLD], "msg_2", now - signing.TOLERANCE - 60, BODY)
    early = signing.headers([OLD], "msg_3", now + signing.TOLERANCE + 60, BODY)
    assert [post(there, late), post(there, early)] == [401, 401]
    assert len(there.kept()) == 1


@pytest.mark.claim("callbacks.rotated")
def test_a_secret_is_replaced_without_a_lost_callback(
    stack: Stack, receiver: Any, sender: Send, eventually: Wait
) -> None:
    there, monitor = receiver(), ended(stack)
    for secrets in ([OLD], [NEW, OLD]):
        sender(there, *secrets).register(monitor, URL)
        until_closed(sender(there, *secrets), there, eventually)
    there.stop()
    there = receiver(secrets=NEW)
    for secrets in ([NEW, OLD], [NEW]):
        sender(there, *secrets).register(monitor, URL)
        until_closed(sender(there, *secrets), there, eventually)
    assert there.callbacks() == [("delivered", 1)] * 4
    assert len(there.kept()) == 4


def test_the_signature_is_the_one_of_the_standards_libraries(signing: Any) -> None:
    signed = signing.signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert signed == b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
