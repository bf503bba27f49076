"""Azure's own pollers, unmodified, follow a task to each of its ends."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.core import AsyncPipelineClient, PipelineClient
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import AsyncioRequestsTransport
from azure.core.polling import AsyncLROPoller, LROPoller
from azure.core.polling.async_base_polling import AsyncLROBasePolling
from azure.core.polling.base_polling import LocationPolling, LROBasePolling
from azure.core.rest import HttpRequest

from demo.contract import Status

from .conftest import Api, Hands

Begin = Callable[[Api], tuple[Callable[[], Any], str]]
Later = Callable[..., None]
PACE = 25  # a poller that missed Retry-After waits 30 s


def request(api: Api) -> HttpRequest:
    return HttpRequest("POST", f"{api.url}/tasks", json={"kind": "rehearsal"})


def body(answer: Any) -> Any:
    return answer.http_response.json()


def begin(api: Api, *algorithms: Any) -> tuple[LROPoller[Any], str]:
    """Submit as a generated Azure client would."""
    client: Any = PipelineClient(base_url=api.url)
    first = client.send_request(request(api), _return_pipeline_response=True)
    polling = LROBasePolling(lro_algorithms=algorithms or None)
    return LROPoller(client, first, body, polling), body(first)["id"]


def sync(api: Api) -> tuple[Callable[[], Any], str]:
    poller, id = begin(api)
    return poller.result, id


def unsync(api: Api) -> tuple[Callable[[], Any], str]:
    """The same with asyncio, in one loop from the first request to the result."""
    loop = asyncio.new_event_loop()
    client: Any = AsyncPipelineClient(base_url=api.url, transport=AsyncioRequestsTransport())
    first = loop.run_until_complete(
        client.send_request(request(api), _return_pipeline_response=True)
    )

    async def read(answer: Any) -> Any:
        return body(answer)

    poller = AsyncLROPoller(client, first, read, AsyncLROBasePolling())

    async def result() -> Any:
        async with client:
            return await (await poller.result())

    def run() -> Any:
        try:
            return loop.run_until_complete(result())
        finally:
            loop.close()

    return run, body(first)["id"]


both = pytest.mark.parametrize("start", [sync, unsync])


@pytest.fixture
def later(hands: Hands) -> Iterator[Later]:
    """Calls a function while the poller is at it; it has returned when the test is over."""
    timers: list[threading.Timer] = []

    def call(function: Callable[..., Any], *args: Any, **named: Any) -> None:
        timers.append(threading.Timer(0.3, function, args, named))
        timers[-1].start()

    yield call
    for timer in timers:
        timer.join()


@both
@pytest.mark.claim("api.azure-poller")
def test_success(api: Api, hands: Hands, later: Later, start: Begin) -> None:
    began = time.monotonic()
    result, id = start(api)
    hands.claim(id)
    later(hands.finish, id, result={"steps": 3})
    assert result() == {"steps": 3}
    assert time.monotonic() - began < PACE


@both
@pytest.mark.claim("api.azure-poller")
def test_failure(api: Api, hands: Hands, later: Later, start: Begin) -> None:
    result, id = start(api)
    hands.claim(id)
    later(hands.finish, id, Status.FAILED, error={"code": "odd", "message": "No luck."})
    with pytest.raises(HttpResponseError, match="No luck") as told:
        result()
    assert told.value.error is not None
    assert told.value.error.code == "odd"


@both
@pytest.mark.claim("api.azure-poller")
def test_cancel(api: Api, hands: Hands, start: Begin) -> None:
    result, id = start(api)
    with api.client() as client:
        assert client.post(f"/tasks/{id}/cancel").status_code == 200
    with pytest.raises(HttpResponseError, match="canceled"):
        result()


@pytest.mark.claim("api.azure-resume")
def test_another_process_goes_on_by_operation_location(api: Api, hands: Hands) -> None:
    poller, id = begin(api)
    token = poller.continuation_token()
    hands.claim(id)
    hands.finish(id, result="kept")
    again: LROPoller[Any] = LROPoller.from_continuation_token(
        LROBasePolling(),
        token,
        client=PipelineClient(base_url=api.url),
        deserialization_callback=body,
    )
    assert again.result() == "kept"


@pytest.mark.claim("api.azure-location")
def test_a_poller_that_knows_location_only_waits_at_the_result(
    api: Api, hands: Hands, later: Later
) -> None:
    poller, id = begin(api, LocationPolling())
    hands.claim(id)
    later(hands.finish, id, result={"steps": 3})
    assert poller.result() == {"steps": 3}
