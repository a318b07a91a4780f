"""The server refuses to start with a setting that would expose what is read here."""

from __future__ import annotations

import os
import socket
import subprocess
import tomllib

import pytest

from dashboard.settings import PROJECT, RULES, UnsafeServerError, require_safe_server, serve_command, unsafe_settings

SAFE = {
    "server.address": "127.0.0.1",
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.enableAgentApi": False,
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
}
UNSAFE = [
    ("server.address", "0.0.0.0"),
    ("server.address", None),  # unset means every interface
    ("server.address", ""),
    ("server.address", "192.168.1.5"),
    ("server.address", "127.0.0.1.example.org"),  # looks like loopback and is a name
    ("server.enableCORS", False),
    ("server.enableXsrfProtection", False),
    ("server.enableAgentApi", True),
    ("browser.gatherUsageStats", True),
    ("client.showErrorDetails", "full"),
    ("client.showErrorDetails", "stacktrace"),
    ("client.showErrorDetails", True),
    ("client.showErrorLinks", "auto"),
    ("client.showErrorLinks", True),
]


def test_the_rules_are_the_settings_this_test_knows():
    assert {rule.option for rule in RULES} == set(SAFE)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_loopback_in_each_spelling_is_safe(address):
    require_safe_server({**SAFE, "server.address": address}.__getitem__)


@pytest.mark.parametrize(("option", "value"), UNSAFE)
def test_one_unsafe_setting_is_refused_and_named_with_the_way_out(option, value):
    with pytest.raises(UnsafeServerError, match=rf"{option} is .*config\.toml"):
        require_safe_server({**SAFE, option: value}.__getitem__)


def test_the_committed_settings_are_safe():
    tables = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text("utf-8"))

    def option(name: str) -> object:
        table, _, key = name.partition(".")
        return tables[table][key]

    assert unsafe_settings(option) == ()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# One real server per rule, started with that rule broken.
BROKEN_FLAGS = [
    ("--server.address", "0.0.0.0"),
    ("--server.enableCORS", "false"),
    ("--server.enableXsrfProtection", "false"),
    ("--server.enableAgentApi", "true"),
    ("--browser.gatherUsageStats", "true"),
    ("--client.showErrorDetails", "full"),
    ("--client.showErrorLinks", "true"),
]


def test_a_real_server_does_not_start_when_a_setting_is_broken(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    environment["OVERREAD_STORE"] = str(tmp_path / "never-made.duckdb")
    servers = {
        flag: subprocess.Popen(
            [*serve_command(port=_free_port()), flag, value],
            cwd=PROJECT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for flag, value in BROKEN_FLAGS
    }
    try:
        for flag, server in servers.items():
            output, _ = server.communicate(timeout=120)
            assert server.returncode != 0, flag
            assert f"{flag.removeprefix('--')} is " in output
    finally:
        for server in servers.values():
            server.kill()
    assert not (tmp_path / "never-made.duckdb").exists()
