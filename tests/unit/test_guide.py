"""The guide that is built beside the stack is put in place, or it is said why not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.local import guide
from tests.stack import eventually


@pytest.fixture
def building(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[guide.Guide]:
    """A build that takes no time, into a folder of the test."""
    build = tmp_path / "build"
    build.mkdir()
    for name, path in {"BUILD": build, "NEW": build / "new", "OLD": build / "old"}.items():
        monkeypatch.setattr(guide, name, path)
    monkeypatch.setattr(guide, "SCRIPT", 'mkdir "$1"; echo new > "$1/index.html"')
    for folder in ("site", "data"):
        (tmp_path / folder).mkdir()
    made = guide.Guide(tmp_path / "data", tmp_path / "site")
    yield made
    made.stop()


def built(one: guide.Guide) -> None:
    assert "being built" in one.begin()
    eventually(lambda: not one.alive)
    one.check()


def test_a_complete_guide_takes_the_old_one_s_place(
    building: guide.Guide, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    guide.OLD.symlink_to(elsewhere)
    built(building)
    assert (tmp_path / "site" / "index.html").read_text() == "new\n"
    assert "The guide is built." in capfd.readouterr().out
    assert building.begin() == "", "it is current"


def test_a_guide_that_can_not_be_put_in_place_ends_nothing(
    building: guide.Guide, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    guide.OLD.write_text("in the way")
    built(building)
    assert "not put in place" in capfd.readouterr().out
    assert list((tmp_path / "site").iterdir()) == [], "the old one is still there"
