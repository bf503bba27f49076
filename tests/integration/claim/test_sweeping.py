"""A blob lives as long as a row names it: not longer, and never less."""

import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from demo.blobs import Blobs, task_key, upload_key
from demo.contract import Status
from demo.store import submitting, uploads
from demo.store.engines import begin, engine
from demo.store.records import Record
from demo.sweeping import sweep
from tests.integration.conftest import Hands

pytestmark = pytest.mark.timeout(400)  # the first one may install Azurite


@pytest.fixture
def source(own_hands: Hands) -> Engine:
    """As the dispatcher connects."""
    return own_hands.source


@pytest.fixture
def owner(database: Any) -> Iterator[Engine]:
    made = engine(database.owner)
    yield made
    made.dispose()


@pytest.fixture
def slot(owner: Engine, blobs: Blobs) -> Callable[[], UUID]:
    """A complete upload with its blob."""

    def make() -> UUID:
        with begin(owner) as connection:
            made = uploads.open_slot(
                connection, "local", size=3, sha256=None, seconds=3600, most=100
            )
            assert made
            uploads.complete(connection, "local", made.id, "etag")
        blobs.write(upload_key("local", made.id), [b"a,b"])
        return made.id

    return make


def submitted(owner: Engine, upload: UUID) -> Record:
    with begin(owner) as connection:
        return submitting.submit(
            connection, "local", kind="dataset_profile", input={"upload": str(upload)}
        ).task


def expire(owner: Engine) -> None:
    with begin(owner) as connection:
        connection.execute(text("UPDATE uploads SET expires = now() - interval '1 s'"))


def left(blobs: Blobs) -> set[str]:
    return {key for keys in blobs.listed() for key in keys}


@pytest.mark.claim("claim-check.held")
def test_an_open_task_keeps_its_upload_beyond_its_time(
    source: Engine, owner: Engine, blobs: Blobs, slot: Any, own_hands: Hands
) -> None:
    held, forgotten = slot(), slot()
    task = submitted(owner, held)
    expire(owner)
    assert sweep(source, blobs) == 1
    assert left(blobs) == {upload_key("local", held)}, f"without {forgotten}"
    own_hands.claim(str(task.id), wake=False)
    assert sweep(source, blobs) == 0
    own_hands.finish(str(task.id), wake=False, result={})
    assert sweep(source, blobs) == 1
    assert left(blobs) == set()


@pytest.mark.claim("claim-check.held")
def test_a_sweep_that_had_chosen_the_row_looks_again(
    source: Engine, owner: Engine, blobs: Blobs, slot: Any
) -> None:
    """The upload expires while the task is being submitted: the sweep waits for neither."""
    upload = slot()
    with begin(owner) as submitter:
        submitting.submit(submitter, "local", kind="dataset_profile", input={"upload": str(upload)})
        swept = threading.Thread(target=sweep, args=(source, blobs))
        swept.start()
        swept.join()
    expire(owner)
    sweep(source, blobs)
    assert left(blobs) == {upload_key("local", upload)}


@pytest.mark.claim("claim-check.fenced")
@pytest.mark.claim("claim-check.sweep")
def test_what_a_fenced_or_killed_attempt_left_is_swept_and_the_report_stays(
    source: Engine, owner: Engine, blobs: Blobs, slot: Any, own_hands: Hands
) -> None:
    task = submitted(owner, slot())
    own_hands.claim(str(task.id), wake=False)
    mine = task_key("local", task.id, "2-report.json")
    others = [task_key("local", task.id, name) for name in ("1-report.json", "1-step-3")]
    for key in (mine, *others):
        blobs.write(key, [b"{}"])
    assert sweep(source, blobs) == 0, "an open task keeps all of it"
    result = {"report": {"name": "2-report.json", "bytes": 2}}
    own_hands.finish(str(task.id), wake=False, result=result)
    assert sweep(source, blobs) == 2
    assert mine in left(blobs)

    failed = submitted(owner, slot())
    own_hands.claim(str(failed.id), wake=False)
    blobs.write(task_key("local", failed.id, "1-step-1"), [b"{}"])
    own_hands.finish(str(failed.id), Status.FAILED, wake=False, error={"code": "x", "message": "y"})
    assert sweep(source, blobs) == 1


@pytest.mark.claim("claim-check.sweep")
def test_the_report_goes_with_its_task_and_what_is_not_ours_stays(
    source: Engine, blobs: Blobs
) -> None:
    orphan = task_key("local", uuid4(), "1-report.json")
    strange = ["someone/else.csv", f"t-local/other/{uuid4()}", "t-local/uploads/no-uuid"]
    for key in (orphan, upload_key("local", uuid4()), *strange):
        blobs.write(key, [b"{}"])
    assert sweep(source, blobs) == 2
    assert left(blobs) == set(strange)
