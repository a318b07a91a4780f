"""The command `overread`: does without a browser what the dashboard does, and prepares what it shows.

Only argparse is imported until a command runs, so that help is there at once. One file per group of commands in
`dashboard.commands`.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence

from dashboard.commands import (
    audit,
    bench,
    calibrate,
    cases,
    demo,
    doctor,
    draft,
    evaluate,
    kpi,
    models,
    review,
    second_read,
)
from dashboard.commands.common import CommandError, Exit, complain

GROUPS = (cases, models, draft, review, second_read, kpi, audit, evaluate, calibrate, bench, doctor, demo)
EPILOG = "Draft, research use only. Not a medical device: see README.md."


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets `run`, a function from its arguments to an exit status."""
    parser = argparse.ArgumentParser(
        prog="overread",
        description="A model drafts a report from a chest radiograph and its prior notes; a reader overreads it.",
        epilog=EPILOG,
    )
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for group in GROUPS:
        group.add_parsers(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; the process's own when None.

    Returns:
        the exit status (`dashboard.commands.common.Exit`).
    """
    _quiet_libraries()
    arguments = build_parser().parse_args(argv)
    try:
        return int(_run(arguments.run, arguments))
    except BrokenPipeError:
        # The reader of our output (head, less) has gone: nothing is left to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except KeyboardInterrupt:
        complain("stopped on the keyboard; what was recorded before stays recorded")
        return Exit.INTERRUPTED


def _run(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Turn the errors that a person can mend into one sentence on standard error."""
    try:
        return run(arguments)
    except CommandError as error:
        complain(f"overread: {error}")
        return error.code


def _quiet_libraries() -> None:
    """Say nothing that nobody asked for, send nothing anywhere, and look for no model beyond local folders."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["LANGSMITH_TRACING"] = "false"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


if __name__ == "__main__":
    sys.exit(main())
