"""`overread doctor`: each check says what it found, and how to mend a miss."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from cases.store import Store
from dashboard.cli import main
from dashboard.commands import checks
from dashboard.commands.checks import State

SAFE = """
[server]
address = "127.0.0.1"
enableCORS = true
enableXsrfProtection = true
enableAgentApi = false
[browser]
gatherUsageStats = false
[client]
showErrorDetails = "none"
showErrorLinks = false
"""


def test_what_is_installed_here_is_enough():
    assert checks.packages_check().state is State.OK
    assert checks.decoders_check().state is State.OK


def test_a_missing_package_is_named_with_the_command(monkeypatch):
    monkeypatch.setattr(checks, "_version", lambda name: None if name == "duckdb" else "1.0")
    found = checks.packages_check()
    assert (found.state, found.mend) == (State.MISSING, "make setup")
    assert "duckdb" in found.found


def test_server_settings_as_the_project_ships_them_are_safe():
    assert checks.server_check(checks.PROJECT / ".streamlit" / "config.toml").state is State.OK


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (SAFE.replace('"127.0.0.1"', '"0.0.0.0"'), "server.address"),  # the whole network
        (SAFE.replace("enableCORS = true", ""), "server.enableCORS"),  # left out
        ("[server", "no readable"),  # no TOML
    ],
)
def test_an_unsafe_server_is_a_miss(tmp_path, text, word):
    config = tmp_path / "config.toml"
    config.write_text(text)
    found = checks.server_check(config)
    assert found.state is State.MISSING
    assert word in found.found
    assert found.mend


def test_safe_settings_written_by_hand_pass(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(SAFE)
    assert checks.server_check(config).state is State.OK


def test_a_store_is_verified_and_its_absence_is_no_miss(tmp_path):
    path = tmp_path / "s.duckdb"
    assert checks.store_check(path).state is State.OPTIONAL
    with Store.open(path, now=lambda: datetime(2026, 1, 1, tzinfo=UTC)):
        pass
    assert checks.store_check(path).state is State.OK
    path.write_bytes(b"no database at all" * 1000)
    assert checks.store_check(path).state is State.MISSING


def test_a_browser_is_named_or_how_to_get_one(tmp_path):
    assert "apt-get install" in checks.browser_check({"OVERREAD_CHROMIUM": str(tmp_path / "none")}).mend
    browser = tmp_path / "chromium"
    browser.write_text("#!/bin/sh\n")
    browser.chmod(0o755)
    assert checks.browser_check({"OVERREAD_CHROMIUM": str(browser)}).state is State.OK


@pytest.mark.parametrize(
    ("state", "code"),
    [(State.OK, 0), (State.OPTIONAL, 0), (State.MISSING, 1)],
)
def test_doctor_ends_with_what_it_found(monkeypatch, capsys, state, code):
    found = (checks.Check("thing", state, "seen", "mend it"),)
    monkeypatch.setattr(checks, "all_checks", lambda store: found)
    assert main(["doctor", "--json"]) == code
    assert json.loads(capsys.readouterr().out) == {
        "ok": code == 0,
        "checks": [{"name": "thing", "state": state.value, "found": "seen", "mend": "mend it"}],
    }
    assert main(["doctor"]) == code
    assert "mend: mend it" in capsys.readouterr().out
