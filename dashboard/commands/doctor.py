"""`overread doctor`: what this machine has of what Overread needs, and how to mend each miss.

Looks only; installs nothing, opens no case. What is asked of torch is asked in a process of its own, so that a broken
driver is a line of the answer and not the end of it. With `--model M` it takes that model's coordinate self-test.
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING

from dashboard.commands.common import Exit, add_common, say, say_json
from dashboard.commands.draft import add_quantization

if TYPE_CHECKING:
    from argparse import _SubParsersAction

MARKS = {"ok": "ok      ", "optional": "optional", "missing": "MISSING "}


def add_parsers(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `doctor`."""
    doctor = commands.add_parser(
        "doctor", help="what is there (GPU, packages, weights, store, browser), how to mend it"
    )
    doctor.add_argument("--model", metavar="M", help="take this model's coordinate self-test instead, and keep it")
    add_quantization(doctor, default=None)
    add_common(doctor)
    doctor.set_defaults(run=run_doctor)


def run_doctor(arguments: argparse.Namespace) -> int:
    """Print every check; exit 1 when something that is needed is missing."""
    if arguments.model is not None:
        from dashboard.commands.self_test import run_self_test

        return run_self_test(arguments)
    from dashboard.commands.checks import all_checks

    checks = all_checks(arguments.store)
    counted = Counter(check.state.value for check in checks)
    ok = counted["missing"] == 0
    if arguments.json:
        shape = [{"name": c.name, "state": c.state.value, "found": c.found, "mend": c.mend} for c in checks]
        say_json({"ok": ok, "checks": shape})
    else:
        for check in checks:
            say(f"{MARKS[check.state.value]}  {check.name}: {check.found}")
            if check.mend:
                say(f"          mend: {check.mend}")
        say(f"{counted['ok']} ok, {counted['optional']} optional and absent, {counted['missing']} missing")
    return Exit.OK if ok else Exit.ANSWER_IS_NO
