"""The command line as a shell sees it: help at once, errors in one sentence, exit statuses."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dashboard.cli import build_parser, main
from dashboard.commands.common import Exit

COMMANDS = ("import", "cases", "models", "draft", "show", "sign", "kpi", "audit", "eval", "doctor", "demo")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as end:
        build_parser().parse_args([command, "--help"])
    assert end.value.code == 0
    assert command in capsys.readouterr().out


def test_help_is_there_at_once_and_loads_no_heavy_library():
    program = (
        "import sys, time; from dashboard.cli import build_parser; build_parser().format_help(); "
        "print([m for m in ('torch', 'transformers', 'streamlit', 'duckdb', 'numpy', 'pandas', 'pydantic', 'rich') "
        "if m in sys.modules], time.process_time())"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded, _, seconds = answer.stdout.strip().rpartition(" ")
    assert loaded == "[]"
    assert float(seconds) < 0.5  # processor time, so that a busy machine does not count; 0.08 s measured


@pytest.mark.parametrize(
    "arguments",
    [
        ["cases"],
        ["draft", "c1"],
        ["show", "c1"],
        ["kpi"],
        ["audit", "verify"],
    ],
)
def test_a_mistyped_store_makes_no_new_pilot(arguments, tmp_path, capsys):
    store = tmp_path / "none.duckdb"
    assert main([*arguments, "--store", str(store)]) == Exit.NOT_FOUND
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "overread import" in said.err
    assert not store.exists()


def test_import_of_nothing_is_an_error_in_words(tmp_path, capsys):
    assert main(["import", str(tmp_path / "gone"), "--store", str(tmp_path / "s.duckdb")]) == Exit.NOT_FOUND
    assert "there is nothing at" in capsys.readouterr().err
    assert not (tmp_path / "s.duckdb").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],  # no command
        ["draft", "c1", "--quantization", "int3"],  # no such form
        ["sign", "c1", "--reader", "r"],  # no decisions
        ["sign", "c1", "--reader", "r", "--decisions", "f", "--opened", "2026-01-01T00:00:00"],  # a time without a zone
        ["sign", "c1", "--reader", "r", "--decisions", "f", "--active-seconds", "-1"],  # less than no time
    ],
)
def test_wrong_use_ends_with_status_two(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == Exit.WRONG_USE
    assert capsys.readouterr().out == ""


def test_the_installed_command_runs():
    answer = subprocess.run(
        [sys.executable, "-m", "dashboard.cli", "--help"], capture_output=True, text=True, check=True
    )
    assert "research use only" in answer.stdout
