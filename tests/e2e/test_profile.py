"""A file from the form to its drawn profile, with whatever it holds staying text."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Open, Watch
from tests.stack import Stack

ATTACK = "<img src=x onerror=alert(1)>"
FILE = f"id,{ATTACK},city\n" + "".join(
    f"{n},{ATTACK},{'Oslo' if n % 3 else ''}\n" for n in range(99)
)


@pytest.fixture
def ui(open_page: Open, stack: Stack) -> Page:
    return open_page(f"{stack.url}/")


@pytest.mark.claim("claim-check.drawn")
def test_a_file_is_uploaded_profiled_and_drawn(ui: Page, watch: Watch, tmp_path: Path) -> None:
    watch.forgiven = ("status of 422",)
    file = tmp_path / f"{ATTACK}.csv"
    file.write_text(FILE)
    ui.get_by_role("tab", name="Data set profile").click()
    ui.get_by_role("button", name="Submit data set profile").click()
    expect(ui.get_by_text("Field required")).to_be_visible()
    ui.get_by_label("CSV file").set_input_files(file)
    ui.get_by_role("button", name="Submit data set profile").click()
    expect(ui.locator("task-stream .status")).to_have_text("Succeeded")
    expect(ui.get_by_text("99 rows, 3 columns")).to_be_visible()
    table = ui.get_by_role("table", name="Columns")
    expect(table.get_by_role("rowheader")).to_have_text(["id", ATTACK, "city"])
    expect(table.locator("svg.histogram")).to_have_count(1)
    expect(table.get_by_role("row", name="city")).to_contain_text("33")
    with ui.expect_download() as download:
        ui.get_by_role("link", name="Download the report").click()
    assert download.value.suggested_filename.endswith(".json")
