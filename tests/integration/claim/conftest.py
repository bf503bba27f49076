"""Both stores under the same tests: a folder, and Azure Blob as Azurite speaks it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.blobs import Blobs
from demo.settings import Settings
from tests.azurite import azurite


@pytest.fixture(scope="session")
def emulator() -> Iterator[dict[str, str]]:
    with azurite() as settings:
        yield settings


@pytest.fixture(params=["folder", "azurite"])
def store_settings(request: pytest.FixtureRequest) -> dict[str, str]:
    """The variables that choose a store."""
    return {} if request.param == "folder" else dict(request.getfixturevalue("emulator"))


@pytest.fixture
def blobs(store_settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Blobs:
    """The store, empty."""
    for name, value in {"DEMO_DATA": str(tmp_path), **store_settings}.items():
        monkeypatch.setenv(name, value)
    made = Blobs(Settings())
    for keys in made.listed():
        made.remove(*keys)
    return made
