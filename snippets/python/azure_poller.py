"""Run tasks with azure-core's own pollers, unmodified: the contract is the one Azure SDKs speak.

usage: python azure_poller.py poll|async|location [JSON]     submit and wait for the result
       python azure_poller.py start [JSON]                   submit; print a token to go on with
       python azure_poller.py resume TOKEN                   go on, in another process, with it
DEMO_URL: where the API listens     TOKEN: sent when it is set
"""

import asyncio
import json
import os
import sys
import uuid
from typing import Any

from azure.core import AsyncPipelineClient, PipelineClient
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import AsyncRetryPolicy, HeadersPolicy, RetryPolicy
from azure.core.pipeline.transport import AsyncioRequestsTransport
from azure.core.polling import AsyncLROPoller, LROPoller
from azure.core.polling.async_base_polling import AsyncLROBasePolling
from azure.core.polling.base_polling import LocationPolling, LROBasePolling
from azure.core.rest import HttpRequest

API = os.environ.get("DEMO_URL", "http://127.0.0.1:8001")
TASK = {"kind": "web_scrape", "input": {"url": f"{API}/guide/", "max_pages": 10}}
Client = PipelineClient[Any, Any]


# --8<-- [start:begin]
def begin(client: Client, task: dict[str, Any], *algorithms: Any) -> LROPoller[Any]:
    """Submit; the poller reads Operation-Location, Retry-After and the monitor's status."""
    accepted = client.send_request(_submission(task), _return_pipeline_response=True)
    accepted.http_response.raise_for_status()
    return LROPoller(client, accepted, _result, LROBasePolling(lro_algorithms=algorithms))


def _submission(task: dict[str, Any]) -> HttpRequest:
    names = {"Operation-Id": str(uuid.uuid4())}
    return HttpRequest("POST", f"{API}/tasks", json=task, headers=names)


def _result(response: Any) -> Any:
    return response.http_response.json()


# --8<-- [end:begin]


# --8<-- [start:resume]
def resume(client: Client, token: str) -> LROPoller[Any]:
    """Go on with what `poller.continuation_token()` wrote down, `Operation-Location` in it."""
    return LROPoller.from_continuation_token(
        LROBasePolling(), token, client=client, deserialization_callback=_result
    )


# --8<-- [end:resume]


# --8<-- [start:location]
def by_location(client: Client, task: dict[str, Any]) -> LROPoller[Any]:
    """Poll as clients do that know `Location` only: 202 while open, then the result."""
    return begin(client, task, LocationPolling())


# --8<-- [end:location]


# --8<-- [start:async]
async def begin_async(client: AsyncPipelineClient[Any, Any], task: Any) -> AsyncLROPoller[Any]:
    """Submit and poll without holding a thread while waiting."""
    accepted = await client.send_request(_submission(task), _return_pipeline_response=True)
    accepted.http_response.raise_for_status()
    return AsyncLROPoller(client, accepted, _result, AsyncLROBasePolling())


# --8<-- [end:async]


def policies(retry: Any) -> list[Any]:
    """The token, when there is one; a look at a monitor is repeated when it is cut off."""
    token = os.environ.get("TOKEN")
    names = {"Authorization": f"Bearer {token}"} if token else {}
    return [HeadersPolicy(names), retry]


def ending(poller: Any, told: HttpResponseError) -> str:
    """How it ended without a result: the status, and `error` when the monitor has one."""
    why = f", {told.error.code}: {told.error.message}" if told.error else ""
    return f"{poller.status()}{why}"


async def run_async(task: dict[str, Any]) -> Any:
    parts = {
        "per_call_policies": policies(AsyncRetryPolicy()),
        "transport": AsyncioRequestsTransport(),
    }
    async with AsyncPipelineClient[Any, Any](API, **parts) as client:
        poller = await begin_async(client, task)
        try:
            return await poller.result()
        except HttpResponseError as told:
            sys.exit(ending(poller, told))


def run(way: str, task: Any) -> Any:
    with Client(API, per_call_policies=policies(RetryPolicy())) as client:
        ways: dict[str, Any] = {"location": by_location, "resume": resume}
        poller = ways.get(way, begin)(client, task)
        if way == "start":
            return poller.continuation_token()
        try:
            return poller.result()
        except HttpResponseError as told:
            sys.exit(ending(poller, told))


def main() -> None:
    way, *given = sys.argv[1:]
    task: Any = (given[0] if way == "resume" else json.loads(given[0])) if given else TASK
    print(json.dumps(asyncio.run(run_async(task)) if way == "async" else run(way, task)))


if __name__ == "__main__":
    main()
