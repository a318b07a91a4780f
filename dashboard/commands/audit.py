"""`overread audit`: recompute the ledger's chain and every row it vouches for, and save its head elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.commands.common import CommandError, Exit, add_common, existing_store, say, say_json

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_parsers(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `audit verify` and `audit head`."""
    audit = commands.add_parser("audit", help="verify the ledger, or print its head to keep elsewhere")
    actions = audit.add_subparsers(dest="action", required=True, metavar="ACTION")
    verify = actions.add_parser("verify", help="recompute the hash chain and every row of every table")
    verify.add_argument(
        "--anchor",
        type=Path,
        metavar="FILE",
        help="a head saved earlier with `overread audit head`: also finds rows cut off the end",
    )
    add_common(verify)
    verify.set_defaults(run=run_verify)
    head = actions.add_parser("head", help="the hash of the newest event: keep it where the store's owner cannot write")
    add_common(head)
    head.set_defaults(run=run_head)


def run_verify(arguments: argparse.Namespace) -> int:
    """Verify; exit 1 when a row was edited, deleted, reordered or cut off."""
    anchor = None if arguments.anchor is None else read_anchor(arguments.anchor)
    with existing_store(arguments.store) as store:
        found = store.verify(anchor=anchor)
    if arguments.json:
        say_json({"ok": found.ok, "events": found.events, "head": found.head, "first_bad": found.first_bad})
    elif found.ok:
        say(f"the ledger holds: {found.events} events, head {found.head}")
    else:
        say(f"the ledger does not hold: event {found.first_bad}: {found.reason}")
    return Exit.OK if found.ok else Exit.ANSWER_IS_NO


def run_head(arguments: argparse.Namespace) -> int:
    """Print the head as the one line that `--anchor` reads."""
    with existing_store(arguments.store) as store:
        say(store.head())
    return Exit.OK


def read_anchor(path: Path) -> str:
    """The text of a saved head; the store judges it.

    Raises:
        CommandError: the file is not there or is no text.
    """
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"the anchor {path} cannot be read: name the file that `overread audit head` was saved to"
        raise CommandError(msg, code=Exit.NOT_FOUND) from error
