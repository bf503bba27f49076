"""What the demo asks of a blob store, of each of them alike."""

import threading

import pytest

from demo.blobs import Blobs, task_key, upload_key
from demo.contract import PermanentFailure, TransientFailure
from demo.settings import Settings

ID = "019ab3f4-7c1e-7d52-b6a4-3f0c9a51e2d7"

pytestmark = pytest.mark.timeout(400)  # the first one may install Azurite


@pytest.mark.claim("claim-check.same-stores")
def test_a_blob_is_written_read_in_parts_listed_and_removed(blobs: Blobs) -> None:
    key = task_key("local", ID, "1-report.json")
    parts = [b"a" * 3_000_000, memoryview(b"b" * 3_000_000), b"c"]
    assert blobs.write(key, iter(parts)) == 6_000_001
    assert blobs.read(key, 2_999_999, 2) == b"ab"
    assert blobs.read(key, 6_000_000, 1) == b"c"
    head = blobs.head(key)
    assert (head.key, head.size) == (key, 6_000_001)
    assert [found for keys in blobs.listed() for found in keys] == [key]
    blobs.remove(key)
    blobs.remove(key)
    assert [found for keys in blobs.listed() for found in keys] == []


@pytest.mark.claim("claim-check.same-stores")
def test_a_blob_that_changed_or_is_gone_is_a_permanent_failure(blobs: Blobs) -> None:
    key = upload_key("local", ID)
    blobs.write(key, [b"first"])
    was = blobs.head(key).etag
    assert blobs.read(key, 0, 5, etag=was) == b"first"
    blobs.write(key, [b"other bytes"])
    with pytest.raises(PermanentFailure) as changed:
        blobs.read(key, 0, 5, etag=was)
    assert changed.value.code == "upload_changed"
    blobs.remove(key)
    for ask in (lambda: blobs.read(key, 0, 5), lambda: blobs.head(key)):
        with pytest.raises(PermanentFailure) as gone:
            ask()
        assert gone.value.code == "blob_gone"


@pytest.mark.claim("claim-check.whole-blobs")
def test_a_writer_that_fails_half_way_leaves_no_blob(blobs: Blobs) -> None:
    key = task_key("local", ID, "1-step-2")

    def half() -> object:
        yield b"x" * 6_000_000
        raise RuntimeError("killed")

    with pytest.raises(Exception, match="killed"):
        blobs.write(key, half())  # type: ignore[arg-type]
    assert [found for keys in blobs.listed() for found in keys] == []


@pytest.mark.claim("claim-check.whole-blobs")
def test_two_attempts_that_write_at_once_don_t_meet(blobs: Blobs) -> None:
    keys = [task_key("local", ID, f"{attempt}-report.json") for attempt in (1, 2)]
    threads = [
        threading.Thread(target=blobs.write, args=(key, [key.encode()] * 100)) for key in keys
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for key in keys:
        assert blobs.read(key, 0, len(key)).decode() == key


def test_a_store_that_does_not_answer_is_a_transient_failure(
    emulator: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**emulator, "AZURE_STORAGE_ACCOUNT_KEY": "d3Jvbmc="}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TransientFailure) as failure:
        Blobs(Settings()).head(upload_key("local", ID))
    assert failure.value.code == "blobs_unavailable"
    assert "127.0.0.1" not in str(failure.value), "the library's words name hosts and accounts"


@pytest.mark.claim("claim-check.tenant-key")
@pytest.mark.parametrize("name", ["..", "../other", "a/b", "a%2Fb", ".", "ä \n", "t-x"])
def test_a_tenant_s_name_can_t_climb_out_of_its_folder(blobs: Blobs, name: str) -> None:
    key = upload_key(name, ID)
    blobs.write(key, [b"mine"])
    (listed,) = [found for keys in blobs.listed() for found in keys]
    assert listed == key
    assert key.split("/")[1:] == ["uploads", ID]
    assert key != upload_key("local", ID)
