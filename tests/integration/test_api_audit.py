"""Who was refused or did what leaves a record; no secret that a client sends leaves any trace."""

import json
from typing import Any

import pytest

from .conftest import Hands, StartApi, submit, until
from .test_api_traces import collector

CANARY = "canary-4d1f0c"


def records(said: str) -> list[dict[str, Any]]:
    """The audit's lines among all that the process wrote."""
    return [json.loads(line) for line in said.splitlines() if line.startswith('{"at"')]


@pytest.mark.claim("threat.e8")
@pytest.mark.claim("security.audit")
def test_refusals_and_acts_leave_one_record_each(
    start_api: StartApi, own_hands: Hands, capfd: pytest.CaptureFixture[str]
) -> None:
    sent: list[Any] = []
    with (
        collector(sent) as (endpoint, _),
        start_api(OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=f"{endpoint}/v1/logs") as api,
        api.client() as client,
    ):
        task = submit(client, steps=1)["id"]
        unknown = task[:-4] + f"{0xFFFF - int(task[-4:], 16):04x}"
        client.get(f"/tasks/{task}")
        client.get(f"/tasks/{unknown}")
        client.get("/livez", headers={"Host": "evil.test"})
        client.post("/tasks", json={}, headers={"Origin": "https://evil.test"})
        client.post("/tasks", content=b"x" * 100_000)
        client.post(f"/tasks/{task}/cancel")
        until(lambda: len(sent) >= 5)
    told = records(capfd.readouterr().err)
    assert [(each["event"], each["status"], each["task"]) for each in told] == [
        ("refusal", 404, unknown), ("refusal", 421, None), ("refusal", 403, None),
        ("refusal", 413, None), ("act", 200, task),
    ]  # fmt: skip
    assert {"at", "action", "tenant", "actor", "trace", "client"} <= told[0].keys()
    assert told[-1]["tenant"] == "local"
    assert told[-1]["action"] == "POST cancel"
    assert [as_line(one) for one in sent] == [
        {key: value for key, value in line.items() if key != "at" and value is not None}
        for line in told
    ]


def as_line(record: Any) -> dict[str, Any]:
    """A log record of OpenTelemetry as the line of the same refusal or act."""
    values = {each.key: each.value for each in record.attributes}
    line = {key: getattr(value, value.WhichOneof("value")) for key, value in values.items()}
    return {"event": record.event_name.removeprefix("audit."), **line}


@pytest.mark.claim("security.audit-bounded")
def test_a_flood_of_refusals_is_told_as_a_number(
    start_api: StartApi, own_hands: Hands, capfd: pytest.CaptureFixture[str]
) -> None:
    with start_api(refusals_a_second=1) as api, api.client() as client:
        task = submit(client, steps=1)["id"]
        for _ in range(50):
            assert client.get("/livez", headers={"Host": "evil.test"}).status_code == 421
        client.post(f"/tasks/{task}/cancel")
    told = records(capfd.readouterr().err)
    one_by_one = [line for line in told if line["event"] == "refusal"]
    counted = sum(line["count"] for line in told if line["event"] == "refusals")
    assert 1 <= len(one_by_one) < 50
    assert len(one_by_one) + counted == 50
    assert [line["action"] for line in told if line["event"] == "act"] == ["POST cancel"]


@pytest.mark.claim("threat.x4")
@pytest.mark.claim("security.no-secret-told")
def test_no_secret_reaches_a_log_an_error_or_a_span(
    start_api: StartApi, own_hands: Hands, capfd: pytest.CaptureFixture[str]
) -> None:
    headers = {
        "Authorization": f"Bearer {CANARY}", "Cookie": f"session={CANARY}", "X-Key": CANARY,
        "baggage": f"secret={CANARY}", "Referer": f"http://127.0.0.1/?{CANARY}",
    }  # fmt: skip
    evil = f"http://user:{CANARY}@127.0.0.1/?token={CANARY}"
    answers = []
    sent: list[Any] = []
    with (
        collector(sent) as (endpoint, spans),
        start_api(
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=f"{endpoint}/v1/logs",
        ) as api,
        api.client(headers=headers) as client,
    ):
        for method, path, more in (
            ("GET", f"/tasks?token={CANARY}", {}),
            ("GET", f"/tasks?cursor={CANARY}", {}),
            ("POST", f"/tasks?token={CANARY}", {"json": {"kind": CANARY, CANARY: CANARY}}),
            ("POST", "/tasks", {"json": {"kind": "web_scrape", "input": {"url": evil, "x": 1}}}),
            ("POST", "/tasks", {"content": CANARY}),
            ("POST", "/tasks", {"json": {}, "headers": {"Origin": f"https://{CANARY}.test"}}),
        ):
            answers.append(client.request(method, path, **more))
        assert submit(client, steps=1)["status"] == "queued"
        until(lambda: any(span.name == "POST /tasks" for span in spans))
        until(lambda: len(spans) >= 4 and sent)
    said = capfd.readouterr()
    assert CANARY not in said.out + said.err
    assert CANARY not in "".join(map(str, [*spans, *sent]))
    told = [answer.text for answer in answers]
    assert not any(CANARY in text for text in told)
