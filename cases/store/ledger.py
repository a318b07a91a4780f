"""The only way to write: rows and their event in one transaction, committed, then read back from a fresh cursor.

A commit that reports failure may still be durable (seen with a full disk); after one, the file is reopened and the
event looked up, so the answer is either "recorded" or "not recorded", never a guess.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum

import duckdb

from cases.audit import AuditEvent, link_hash
from cases.store.chain import EMPTY, EVENT_COLUMNS, Anchor, Entry, event_of, next_event, rows_written
from cases.store.database import Cursor, Database
from cases.store.errors import StoreContendedError, StoreFaultError, TornWriteError
from cases.store.row import KEYS, Stamp, split_hash

ATTEMPTS = 50
CONFLICT = re.compile(r"constraint|conflict", re.IGNORECASE)


class CommitPoint(StrEnum):
    """The marked places at which a write can be cut short; the kill tests stop the process at each."""

    BEGUN = "begun"
    ROWS_WRITTEN = "rows_written"
    EVENT_WRITTEN = "event_written"
    COMMITTED = "committed"
    READ_BACK = "read_back"


Checkpoint = Callable[[CommitPoint], None]
Decide = Callable[[Cursor], Entry | None]


def no_checkpoint(point: CommitPoint) -> None:
    """What happens at a marked place outside tests: nothing."""
    del point


class Ledger:
    """Appends to the chain, one writer at a time within the process."""

    def __init__(self, database: Database, *, now: Callable[[], datetime], checkpoint: Checkpoint) -> None:
        self._database = database
        self._now = now
        self._checkpoint = checkpoint
        self._lock = threading.Lock()

    def append(self, decide: Decide) -> AuditEvent | None:
        """Record what `decide` asks for; None when it asks for nothing because it is there already.

        Args:
            decide: runs inside the transaction and may read; it may run more than once, and raises to refuse.

        Raises:
            StoreFaultError: the disk or engine failed; nothing was recorded.
            StoreContendedError: others kept writing first; nothing was recorded.
            TornWriteError: what was read back differs from what was written.
        """
        with self._lock:
            for _ in range(ATTEMPTS):
                try:
                    return self._attempt(decide)
                except duckdb.Error as error:
                    if not _is_conflict(error):
                        raise
        msg = f"the store was busy with other writes {ATTEMPTS} times in a row: nothing was recorded, try again"
        raise StoreContendedError(msg)

    def _attempt(self, decide: Decide) -> AuditEvent | None:
        with self._database.cursor() as cursor:
            try:
                cursor.begin()
                written = self._write(cursor, decide)
            except BaseException as error:
                with suppress(duckdb.Error):
                    cursor.rollback()
                self._raise_if_engine_failed(cursor, error)
                raise
            if written is None:
                cursor.rollback()
                return None
            self._commit(cursor, written)
        self._read_back(written)
        self._checkpoint(CommitPoint.READ_BACK)
        return written

    def _write(self, cursor: Cursor, decide: Decide) -> AuditEvent | None:
        self._checkpoint(CommitPoint.BEGUN)
        entry = decide(cursor)
        if entry is None:
            return None
        head = head_of(cursor)
        stamp = Stamp(head.sequence + 1, self._now())
        rows = entry.rows(stamp)
        for row in rows:
            _insert(cursor, row.table, (*row.columns, "sha256"), (*row.values, row.sha256))
        self._checkpoint(CommitPoint.ROWS_WRITTEN)
        event = next_event(entry, rows, after=head, recorded=stamp.recorded.astimezone(UTC))
        _insert(cursor, "events", EVENT_COLUMNS, _event_values(event))
        self._checkpoint(CommitPoint.EVENT_WRITTEN)
        return event

    def _raise_if_engine_failed(self, cursor: Cursor, error: BaseException) -> None:
        if isinstance(error, duckdb.Error) and not _is_conflict(error):
            cursor.close()
            self._database.reopen()
            msg = "the disk or the database failed while writing: nothing was recorded, make room and try again"
            raise StoreFaultError(msg) from error

    def _commit(self, cursor: Cursor, event: AuditEvent) -> None:
        try:
            cursor.commit()
            self._checkpoint(CommitPoint.COMMITTED)
        except duckdb.Error as error:
            if _is_conflict(error):
                raise
            cursor.close()
            self._database.reopen()
            if not self._holds(event):
                msg = "the disk or the database failed while committing: nothing was recorded, make room and try again"
                raise StoreFaultError(msg) from error

    def _holds(self, event: AuditEvent) -> bool:
        with self._database.cursor() as cursor:
            found = cursor.execute("SELECT hash FROM events WHERE sequence = ?", [event.sequence]).fetchone()
        return found == (event.hash,)

    def _read_back(self, event: AuditEvent) -> None:
        try:
            with self._database.cursor() as cursor:
                stands = read_event(cursor, event.sequence) == event and stands_whole(cursor, event)
        except duckdb.Error as error:
            msg = "it was committed and cannot be read back now: do it again, what is recorded is not recorded twice"
            raise StoreFaultError(msg) from error
        if not stands:
            msg = f"event {event.sequence} was not read back as it was written: run `overread audit verify` first"
            raise TornWriteError(msg)


def _is_conflict(error: duckdb.Error) -> bool:
    """Whether another writer took the sequence or the key first: certain not to be recorded, and safe to do again.

    By its words, since DuckDB reports a full disk at commit as a TransactionException too.
    """
    kinds = (duckdb.TransactionException, duckdb.ConstraintException)
    return isinstance(error, kinds) and CONFLICT.search(str(error)) is not None


def stands_whole(cursor: Cursor, event: AuditEvent) -> bool:
    """Whether the event's hash, and that of every row it wrote, are those of what stands in the store now."""
    return link_hash(event) == event.hash and all(row_is_whole(cursor, *row) for row in rows_written(event))


def head_of(cursor: Cursor) -> Anchor:
    """The last event's sequence and hash, or the empty chain's."""
    found = cursor.execute("SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1").fetchone()
    return Anchor(int(found[0]), str(found[1])) if found else EMPTY


def read_event(cursor: Cursor, sequence: int) -> AuditEvent | None:
    """The event of that sequence, None when there is none."""
    found = cursor.execute(
        f"SELECT {', '.join(EVENT_COLUMNS)} FROM events WHERE sequence = ?",  # noqa: S608 - our own column names
        [sequence],
    ).fetchone()
    return event_of(found) if found else None


def row_is_whole(cursor: Cursor, table: str, key: str, sha256: str) -> bool:
    """Whether the row stands in its table with that hash, recomputed from its columns."""
    cursor.execute(f"SELECT * FROM {table} WHERE {KEYS[table]} = ?", [key])  # noqa: S608 - tables of `KEYS`
    columns = [column[0] for column in cursor.description or ()]
    found = cursor.fetchone()
    if found is None:
        return False
    row, kept = split_hash(table, columns, found)
    return row.sha256 == kept == sha256


def _insert(cursor: Cursor, table: str, columns: Sequence[str], values: Sequence[object]) -> None:
    marks = ", ".join("?" for _ in columns)
    cursor.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", list(values))  # noqa: S608 - our own


def _event_values(event: AuditEvent) -> tuple[object, ...]:
    recorded = event.recorded.replace(tzinfo=None)
    head = (event.sequence, recorded, event.agent, event.role, event.action.value)
    return (*head, event.entity, event.detail, event.previous_hash, event.hash)
