"""The house rules that no tool checks: file budgets, the network lock, the skip list, what must never be committed."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("dashboard", "evals", "vlm", "cases", "grounding")
MOST_LINES = 350
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:  # an exported tree has no git: whatever it brought counts
        return [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file()]
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_noun(path):
    lines = len(path.read_text().splitlines())
    assert lines <= MOST_LINES, f"{path.relative_to(ROOT)} has {lines} lines, over {MOST_LINES}: split it by noun"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path):
    assert path.read_text().lstrip().startswith('"""'), f"{path.relative_to(ROOT)} has no module docstring"


def test_no_room_name_inside_the_dashboard():
    # `streamlit run dashboard/app.py` puts dashboard/ first on sys.path: such a file would replace the room silently.
    inside = {path.stem for path in (ROOT / "dashboard").iterdir()}
    assert not inside & {"evals", "vlm", "cases", "grounding"}


@pytest.mark.parametrize(
    "address",
    [
        ("192.0.2.1", 80),  # documentation range: no machine
        ("example.org", 443),  # a name, before it is resolved
        ("2001:db8::1", 80),  # the same over IPv6
    ],
)
def test_tests_reach_no_other_machine(address):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with (
        socket.socket(family, socket.SOCK_STREAM) as line,
        pytest.raises(OSError, match="no other machine"),
    ):
        line.connect(address)


def test_loopback_is_allowed():
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        client.connect(server.getsockname())


def test_the_skip_list_names_tests_that_exist(pytestconfig):
    conftest = pytestconfig.pluginmanager.get_plugin("overread-skips")
    rules = sys.modules[type(conftest).__module__]
    allowed = rules.allowed_skips((ROOT / "tests" / "allowed_skips.txt").read_text())
    gone = [prefix for prefix in allowed if not (ROOT / prefix.partition("::")[0]).exists()]
    assert not gone, f"these lines of tests/allowed_skips.txt name no file: {gone}"


def test_a_skip_needs_leave_and_leave_needs_a_reason(pytestconfig):
    conftest = pytestconfig.pluginmanager.get_plugin("overread-skips")
    rules = sys.modules[type(conftest).__module__]
    allowed = rules.allowed_skips("# why\ntests/a.py::test_x | no camera here\n")
    assert rules.unexplained({"tests/a.py::test_x[1]": "r", "tests/b.py::test_y": "r"}, allowed) == [
        "tests/b.py::test_y"
    ]
    with pytest.raises(ValueError, match="reason"):
        rules.allowed_skips("tests/a.py::test_x\n")


def test_no_patient_data_and_no_secret_is_committed():
    wrong = [path for path in tracked() if path.suffix in {".dcm", ".duckdb", ".wal", ".pem", ".key"}]
    assert not wrong, f"never in git: {wrong}"
    assert (ROOT / ".streamlit" / "secrets.toml") not in tracked()


def test_constraints_are_exact_and_name_no_index():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    inexact = [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*(\.post\d+)?", line)]
    assert not inexact, f"a constraint is NAME==VERSION, no local tag, no address: {inexact}"
    assert "torch==2.13.0" in lines
    assert not any(line.startswith("torchvision==") for line in lines)
