"""What every command needs: the store, a clock, output in words or JSON, and errors that end a command.

Commands write to standard output only what was asked for; progress and errors go to standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

if TYPE_CHECKING:
    from cases.store import Store
    from cases.study import Case

STORE_VARIABLE = "OVERREAD_STORE"
DEFAULT_STORE = Path("var/overread.duckdb")
AGENT = "overread-cli"

Item = TypeVar("Item")


class Exit(IntEnum):
    """How a command ended, for the shell."""

    OK = 0
    ANSWER_IS_NO = 1
    WRONG_USE = 2
    STORE_BUSY = 3
    NOT_FOUND = 4
    MISSING_PART = 5
    INTERRUPTED = 130


class CommandError(Exception):
    """Ends a command: its text is one sentence with the rule, the value and the way out.

    Attributes:
        code: the exit status.
    """

    def __init__(self, message: str, *, code: Exit = Exit.WRONG_USE) -> None:
        super().__init__(message)
        self.code = code


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A random opaque id; derives from nothing."""
    return uuid4().hex


def default_store() -> Path:
    """Where the store is when no `--store` says otherwise."""
    return Path(os.environ.get(STORE_VARIABLE) or DEFAULT_STORE)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Give a command `--store` and `--json`."""
    parser.add_argument(
        "--store",
        type=Path,
        default=default_store(),
        metavar="FILE",
        help="the DuckDB file of the pilot (default: %(default)s, or OVERREAD_STORE)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of words")


@contextmanager
def existing_store(path: Path) -> Iterator[Store]:
    """The store, which must exist already.

    Raises:
        CommandError: there is none; a mistyped path must not silently make a new pilot.
    """
    if not path.is_file():
        msg = f"there is no store at {path}: import a case first (overread import PATH) or name another with --store"
        raise CommandError(msg, code=Exit.NOT_FOUND)
    with made_store(path) as store:
        yield store


@contextmanager
def made_store(path: Path) -> Iterator[Store]:
    """The store, made when there is none yet.

    Raises:
        CommandError: another process holds it, or it said no; with the store's own words.
    """
    from cases.store import Store
    from cases.store.errors import StoreBusyError, StoreError

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with Store.open(path, now=now) as store:
            yield store
    except StoreBusyError as error:
        raise CommandError(str(error), code=Exit.STORE_BUSY) from error
    except StoreError as error:
        raise CommandError(str(error), code=Exit.ANSWER_IS_NO) from error


def known_case(store: Store, case_id: str) -> Case:
    """The case of that id.

    Raises:
        CommandError: the store has none; the message says how to list those it has.
    """
    found = [case for case in store.cases() if case.case_id == case_id]
    if not found:
        msg = f"the store has no case {case_id!r}: list its cases with `overread cases`"
        raise CommandError(msg, code=Exit.NOT_FOUND)
    return found[0]


def say(text: str) -> None:
    """Write one line of the answer."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say_json(value: object) -> None:
    """Write the answer as one JSON document."""
    say(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def complain(text: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def shown(items: Iterable[Item], *, title: str, total: int | None) -> Iterator[Item]:
    """The items, with a progress bar on standard error while that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description=title, total=total, console=Console(stderr=True), transient=True)
