"""What holds for every test: no network beyond loopback, no downloads, no traces sent, no skip in silence.

A skipped test is listed at the end of the run. In CI (`CI=true`) it fails the run unless `tests/allowed_skips.txt`
names it with its reason.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["LANGSMITH_TRACING"] = "false"
os.environ["LANGCHAIN_TRACING_V2"] = "false"
os.environ["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] = "false"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

ALLOWED_SKIPS = Path(__file__).with_name("allowed_skips.txt")
SKIPS = pytest.StashKey[dict[str, str]]()

_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex
_sendto = socket.socket.sendto
_getaddrinfo = socket.getaddrinfo


class NetworkRefusedError(OSError):
    """A test reached for a machine other than this one."""


def _refuse(host: object) -> None:
    msg = f"tests reach no other machine than this one (loopback is allowed), and this one reached for {host!r}"
    raise NetworkRefusedError(msg)


def _check_host(host: object) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return
    try:
        loopback = ipaddress.ip_address(str(name)).is_loopback
    except ValueError:
        loopback = False
    # 0.0.0.0 as a target means this machine too.
    if not loopback and name not in ("0.0.0.0", "::"):
        _refuse(name)


def _check(address: object) -> None:
    if isinstance(address, tuple):
        _check_host(address[0])


def _guarded_connect(self, address):
    _check(address)
    return _connect(self, address)


def _guarded_connect_ex(self, address):
    _check(address)
    return _connect_ex(self, address)


def _guarded_sendto(self, data, *rest):
    _check(rest[-1])
    return _sendto(self, data, *rest)


def _guarded_getaddrinfo(host, *rest, **named):
    _check_host(host)
    return _getaddrinfo(host, *rest, **named)


def pytest_configure(config):
    """Shut the network before anything is collected."""
    config.stash[SKIPS] = {}
    socket.socket.connect = _guarded_connect
    socket.socket.connect_ex = _guarded_connect_ex
    socket.socket.sendto = _guarded_sendto
    socket.getaddrinfo = _guarded_getaddrinfo
    config.pluginmanager.register(SkipList(config), "overread-skips")


def pytest_unconfigure():
    """Give the network back."""
    socket.socket.connect = _connect
    socket.socket.connect_ex = _connect_ex
    socket.socket.sendto = _sendto
    socket.getaddrinfo = _getaddrinfo


def allowed_skips(text: str) -> dict[str, str]:
    """Prefixes of test ids -> why they may be skipped. A line is `PREFIX | reason`; # starts a comment."""
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.partition("|") for line in lines if line and not line.startswith("#")]
    for prefix, _, reason in pairs:
        if not reason.strip():
            msg = f"an allowed skip has a reason after a bar: {prefix!r}"
            raise ValueError(msg)
    return {prefix.strip(): reason.strip() for prefix, _, reason in pairs}


def unexplained(skips: dict[str, str], allowed: dict[str, str]) -> list[str]:
    """The skipped tests that no line of the list names."""
    return sorted(node for node in skips if not any(node.startswith(prefix) for prefix in allowed))


class SkipList:
    """Collects what was skipped (from every worker), lists it, and fails a CI run that skipped without leave."""

    def __init__(self, config):
        self.config = config
        self.skips = config.stash[SKIPS]

    def pytest_runtest_logreport(self, report):
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skips[report.nodeid] = _reason(report)

    def pytest_collectreport(self, report):
        if report.skipped:
            self.skips[report.nodeid] = _reason(report)

    def pytest_sessionfinish(self, session, exitstatus):
        if hasattr(self.config, "workerinput") or os.environ.get("CI") != "true" or exitstatus != 0:
            return
        if unexplained(self.skips, allowed_skips(ALLOWED_SKIPS.read_text())):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        if not self.skips:
            return
        unnamed = unexplained(self.skips, allowed_skips(ALLOWED_SKIPS.read_text()))
        terminalreporter.section(f"{len(self.skips)} skipped, {len(unnamed)} of them not in tests/allowed_skips.txt")
        for node, reason in sorted(self.skips.items()):
            mark = "NOT ALLOWED" if node in unnamed else "allowed"
            terminalreporter.line(f"{mark}: {node}: {reason}")


def _reason(report) -> str:
    return report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
