"""The DuckDB file: opened once per process, a fresh cursor for each call, reopened after the engine gave up.

Two facts it is built on (DuckDB 1.5.5): one process at a time may hold the file, readers included; and a connection
shared by threads gives silently empty results, while a cursor per call does not. A third, of POSIX locks: do not open
the file by other means in the process that holds it, closing that handle would release the lock.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from cases.store.errors import StoreBusyError, StoreFaultError, StoreUnreadableError

Cursor = duckdb.DuckDBPyConnection
HELD = re.compile(r"Conflicting lock is held(?: in (?P<process>.*?))? ?\(PID (?P<pid>\d+)\)")
# Nothing outside the file is read, written or fetched by SQL, whoever wrote the SQL.
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}


class Database:
    """One open file. Safe for threads: every call takes a cursor of its own."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it (readable by its owner only) with the folders above it.

        Raises:
            StoreBusyError: another process holds it.
            StoreUnreadableError: it is no DuckDB file, or the folder cannot be written.
        """
        self._path = path
        self._lock = threading.Lock()
        self._connection: Cursor | None = _opened(path)

    @contextmanager
    def cursor(self) -> Iterator[Cursor]:
        """A cursor for one call, closed afterwards.

        Raises:
            StoreFaultError: the store is closed, or the engine gave up (it is opened again for the next call).
        """
        with self._lock:
            if self._connection is None:
                msg = "the store is closed: open it again with Store.open"
                raise StoreFaultError(msg)
            cursor = self._connection.cursor()
        try:
            with cursor:
                yield cursor
        except duckdb.FatalException as error:
            self.reopen()
            msg = "the database gave up and was opened again: try once more, what is recorded is not recorded twice"
            raise StoreFaultError(msg) from error

    def reopen(self) -> None:
        """Open the file again after the engine invalidated itself (a full disk does that).

        Raises:
            StoreFaultError: it does not open; the next call that needs it tries once more.
        """
        with self._lock:
            if self._connection is not None:
                with suppress(duckdb.Error):
                    self._connection.close()
            self._connection = None
            try:
                self._connection = _opened(self._path)
            except (StoreUnreadableError, StoreBusyError) as error:
                msg = f"the store failed and does not open again: make room on the disk, then start anew ({error})"
                raise StoreFaultError(msg) from error

    def close(self) -> None:
        """Write everything into the file and let it go; closing twice is closing once."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None


@contextmanager
def scratch() -> Iterator[Cursor]:
    """A database in memory, to see what the migrations make."""
    with duckdb.connect(":memory:", config=CONFIG) as connection:
        yield connection


def _opened(path: Path) -> Cursor:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            return _made(path)
        return _configured(duckdb.connect(str(path), config=CONFIG))
    except OSError as error:
        msg = f"{path.name}: the folder cannot be written ({error.strerror}): give --store a path in one that can"
        raise StoreUnreadableError(msg) from error
    except duckdb.Error as error:
        raise _open_error(path, str(error)) from error


def _made(path: Path) -> Cursor:
    connection = duckdb.connect(str(path), config=CONFIG)
    path.chmod(0o600)
    return _configured(connection)


def _configured(connection: Cursor) -> Cursor:
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection


def _open_error(path: Path, message: str) -> StoreBusyError | StoreUnreadableError:
    held = HELD.search(message)
    if held is None and "Could not set lock" not in message:
        msg = f"{path.name} does not open as a store: give --store another path, or restore it from a copy"
        return StoreUnreadableError(msg)
    pid = int(held["pid"]) if held else None
    process = Path(held["process"]).name if held and held["process"] else None
    msg = (
        f"{path.name} is held by {process or 'another program'} (PID {pid or 'unknown'}), and one process at a time "
        f"may open a store: work in the dashboard, or stop that process and type the command again"
    )
    return StoreBusyError(msg, pid=pid, process=process)
