"""The whole path in a real browser: worklist, case, sentence and box both ways, an override, a signature, a figure.

Needs Chromium (Debian package `chromium`); skipped, and listed, where it is absent. With OVERREAD_SCREENSHOTS=1 the
pictures that the README shows are written to docs/screenshots, from the demo pilot that the embedded model drafted.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cases.store import Store
from dashboard.settings import PROJECT, serve_command, serve_environment

CHROMIUM = os.environ.get("OVERREAD_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
SCREENSHOTS = os.environ.get("OVERREAD_SCREENSHOTS") == "1"
WAIT_MS = 60_000

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).is_file(), reason="Chromium is absent: apt-get install chromium"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def store_path(tmp_path_factory) -> Path:
    """A pilot that the embedded model drafted: for the README's pictures the whole demo, else three cases of it."""
    path = tmp_path_factory.mktemp("pilot") / "overread.duckdb"
    if SCREENSHOTS:
        _overread("demo", "--no-serve", "--store", str(path))
    else:
        _drafted_by_the_model(path)
    return path


def _overread(*arguments: str) -> None:
    program = "import sys; from dashboard.cli import main; sys.exit(main())"
    subprocess.run([sys.executable, "-c", program, *arguments], cwd=PROJECT, check=True, timeout=600)


def _drafted_by_the_model(path: Path) -> None:
    from cases.phantom.demo import demo_cases
    from cases.phantom.dicom_out import write_case
    from dashboard.commands.demo import real_radiograph

    folder = path.with_name("phantoms")
    folder.mkdir()
    for case in demo_cases()[:2]:
        write_case(case, folder)
    for source in (real_radiograph(), folder):
        _overread("import", str(source), "--store", str(path))
    with Store.open(path, now=_now) as store:
        names = [case.case_id for case in store.cases()]
    for name in names:
        _overread("draft", name, "--store", str(path))


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def address(store_path, tmp_path_factory):
    """The served dashboard; when it is closed, the ledger is whole."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with log.open("w") as output:
        server = subprocess.Popen(
            serve_command(port=port),
            cwd=PROJECT,
            env=serve_environment(store_path),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=60)
    assert "Traceback" not in log.read_text()
    # what the readers did is in the ledger, and the server let the file go
    assert not store_path.with_name(f"{store_path.name}.wal").exists()
    with Store.open(store_path, now=_now) as store:
        assert store.verify().ok


def _wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the server did not answer within 120 s: {log.read_text()}")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, address):
    """A page that must reach no other machine and raise no error in its scripts."""
    tab = browser.new_page(viewport={"width": 1600, "height": 1000})
    tab.set_default_timeout(WAIT_MS)
    elsewhere, errors = [], []
    tab.on("request", lambda request: elsewhere.append(request.url) if not _is_ours(request.url, address) else None)
    tab.on("pageerror", lambda error: errors.append(str(error)))
    yield tab
    tab.close()
    assert elsewhere == []
    assert errors == []


def _is_ours(url: str, address: str) -> bool:
    return url.startswith((address, "data:", "blob:", "ws://127.0.0.1"))


@pytest.fixture
def picture(tmp_path):
    """Takes a screenshot by name; into docs/screenshots when it is asked for, else where nobody looks."""
    folder = PROJECT / "docs" / "screenshots" if SCREENSHOTS else tmp_path
    folder.mkdir(parents=True, exist_ok=True)

    def take(tab, name: str) -> None:
        tab.mouse.move(5, 5)  # no tooltip
        tab.wait_for_timeout(700)  # transitions end
        tab.screenshot(path=folder / f"{name}.png")

    return take


def _say_who(page, name: str = "Reader A") -> None:
    page.get_by_label("Who is reading?").click()
    page.get_by_role("option", name=name).click()
    page.locator("[class*='st-key-open_'] button:enabled").first.wait_for()


def _open_a_case_with_a_box(page) -> str:
    rows = page.locator("[class*='st-key-row_']")
    with_box = rows.filter(has_text="sentence").filter(has_not_text="0 boxes")
    # A simulated case with its notes: the real radiograph's rights do not let its picture into the project.
    shown = with_box.filter(has_text="simulated image").filter(has_not_text="prior notes: not sent")
    row = (shown if shown.count() else with_box).first
    name = row.locator("b").first.inner_text()
    row.get_by_role("button", name="Open").first.click()
    page.locator("rect[data-sentence]").first.wait_for()
    return name


def _card(page, index: int):
    return page.locator(f".st-key-card_{index}")


def _select(page, index: int) -> None:
    page.locator(f".st-key-select_{index} button:visible").first.click()


def _press(card, choice: str) -> None:
    card.get_by_role("radiogroup").get_by_text(choice, exact=True).or_(
        card.locator("[data-testid='stButtonGroup']").get_by_text(choice, exact=True)
    ).first.click()


def _override_words(page) -> str:
    page.get_by_role("link", name="Pilot").click()
    figure = page.locator(".st-key-kpi_override .or-kpi")
    figure.wait_for()
    return figure.inner_text()


def test_a_case_is_read_overridden_and_signed_and_the_figure_moves(page, address, picture):
    page.goto(address)
    page.locator("[class*='st-key-row_']").first.wait_for()
    assert "Draft, research use only" in page.locator(".or-banner").inner_text()
    before = _override_words(page)
    page.get_by_role("link", name="Worklist").click()
    page.locator("[class*='st-key-row_']").first.wait_for()
    _say_who(page)
    picture(page, "worklist")

    name = _open_a_case_with_a_box(page)
    boxed = int(page.locator("rect[data-sentence]").first.get_attribute("data-sentence"))

    # a sentence lights up its box, and the second press puts it out
    assert page.locator("rect.lit").count() == 0
    _select(page, boxed)
    page.locator(f"rect.lit[data-sentence='{boxed}']").first.wait_for()
    picture(page, "reading_room")
    _select(page, boxed)
    page.locator("rect.lit").first.wait_for(state="detached")

    # a box lights up its sentence
    page.locator(f"rect[data-sentence='{boxed}']").first.click(force=True)
    _card(page, boxed).locator(".or-lit-card").wait_for(state="attached")

    # every sentence is decided, one of them overridden; each is stored at once
    count = page.locator("[class*='st-key-card_']").count()
    for index in range(count):
        if index != boxed:
            _press(_card(page, index), "Keep")
            _card(page, index).locator(".or-stored").wait_for()
    _press(_card(page, boxed), "Delete")
    _card(page, boxed).locator(".or-todo").wait_for()
    _card(page, boxed).get_by_label("Reason").click()
    page.get_by_role("option", name="False positive").click()
    _card(page, boxed).locator(".or-stored").wait_for()
    assert "seq" in _card(page, boxed).locator(".or-stored").inner_text()

    # nothing is signed by silence
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("not signed: choose what happens").wait_for()
    assert page.locator(".or-signed").count() == 0
    page.get_by_text("Sign as the final report").click()
    page.get_by_role("button", name="Submit").dblclick()
    page.locator(".or-signed").wait_for()

    after = _override_words(page)
    assert before != after
    assert "1/1" in after
    picture(page, "pilot")
    page.get_by_role("link", name="Worklist").click()
    page.get_by_text("Signed (1)").click()
    page.get_by_text(name).wait_for()


def test_a_box_is_drawn_for_a_sentence_of_ones_own(page, address):
    page.goto(address)
    page.locator("[class*='st-key-row_']").first.wait_for()
    _say_who(page, "Reader B")
    page.locator("[class*='st-key-row_']").filter(has_text="simulated image").first.get_by_role(
        "button", name="Open"
    ).first.click()
    page.locator(".stage").wait_for()
    page.locator(".bar button", has_text="Draw a box").click()
    stage = page.locator(".stage").bounding_box()
    page.mouse.move(stage["x"] + 0.25 * stage["width"], stage["y"] + 0.25 * stage["height"])
    page.mouse.down()
    page.mouse.move(stage["x"] + 0.5 * stage["width"], stage["y"] + 0.5 * stage["height"], steps=4)
    page.mouse.up()
    page.locator("rect[data-sentence='-1']").wait_for()
    page.get_by_label("Add a sentence of your own").fill("Opacity in the right mid zone.")
    page.get_by_role("button", name="Add sentence").click()
    page.locator("rect.human:not([data-sentence='-1'])").first.wait_for()
    drawn = page.locator("rect.human").first
    corners = [float(drawn.get_attribute(side)) for side in ("x", "y", "width", "height")]
    assert corners == pytest.approx([0.25, 0.25, 0.25, 0.25], abs=0.01)
