"""Verifying: recompute every link of the chain and every row of every table, and hold them against each other.

Found: an event or row that was edited, deleted, added, copied or put in another order, a table or view that is not
what the migrations make, and (with an anchor) a tail that was cut off or a history that was written anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cases.audit import AuditEvent, link_hash
from cases.store.chain import EMPTY, EVENT_COLUMNS, Anchor, event_of, rows_written
from cases.store.database import Cursor
from cases.store.migrate import expected_schema, schema
from cases.store.row import KEYS, Row, split_hash

BATCH = 2000
Claims = dict[tuple[str, str], tuple[str, int]]  # (table, key) -> (SHA-256, sequence of the event that wrote it)


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying found.

    Attributes:
        ok: nothing is wrong.
        events: how many events the chain has.
        head: hash of the last event.
        first_bad: sequence of the first event that something is wrong with or after; None when ok.
        reason: what is wrong there, in words; None when ok.
    """

    ok: bool
    events: int
    head: str
    first_bad: int | None = None
    reason: str | None = None

    def as_dict(self) -> dict[str, object]:
        """The answer of `audit verify --json`."""
        return {
            "ok": self.ok,
            "events": self.events,
            "head": self.head,
            "first_bad": self.first_bad,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class _Fault:
    sequence: int
    reason: str


def verify(cursor: Cursor, *, anchor: Anchor | None = None) -> Verification:
    """Verify a store as one snapshot of it stands.

    Args:
        cursor: inside a transaction, so that events and rows are of the same moment.
        anchor: a head saved earlier, elsewhere.
    """
    present = schema(cursor)
    if "events" not in present:
        return Verification(ok=False, events=0, head=EMPTY.hash, first_bad=1, reason="there is no table of events")
    chain = _Chain(anchor)
    for event in _events(cursor):
        chain.follow(event)
    faults = [*chain.faults, *chain.anchor_faults()]
    for table in KEYS:
        if table in present:
            faults.extend(_table_faults(cursor, table, chain.claims))
    faults.extend(
        _Fault(sequence, f"{table} row {key!r} is gone") for (table, key), (_, sequence) in chain.claims.items()
    )
    if present != expected_schema():
        faults.append(_Fault(chain.head.sequence + 1, "tables or views are not those that the migrations make"))
    return _verdict(chain, faults)


def _verdict(chain: _Chain, faults: list[_Fault]) -> Verification:
    if not faults:
        return Verification(ok=True, events=chain.events, head=chain.head.hash)
    first = min(faults, key=lambda fault: fault.sequence)
    return Verification(
        ok=False, events=chain.events, head=chain.head.hash, first_bad=first.sequence, reason=first.reason
    )


class _Chain:
    """The events one after another, and the rows they claim to have written."""

    def __init__(self, anchor: Anchor | None) -> None:
        self._anchor = anchor
        self._anchored = anchor is None or anchor == EMPTY
        self.events = 0
        self.head = EMPTY
        self.claims: Claims = {}
        self.faults: list[_Fault] = []

    def follow(self, event: AuditEvent | None) -> None:
        """Take the next event, in the order of sequence; None for one that cannot be read as an event."""
        self.events += 1
        expected = self.head.sequence + 1
        if event is None or link_hash(event) != event.hash:
            self._blame(expected, "the event's hash is not that of its content: it was edited")
        elif event.sequence != expected:
            self._blame(expected, f"event {expected} is gone: the next one is {event.sequence}")
        elif event.previous_hash != self.head.hash:
            self._blame(expected, "the event does not follow the one before it: order or history was changed")
        if event is None:
            self.head = Anchor(expected, self.head.hash)
            return
        self.head = Anchor(event.sequence, event.hash)
        self._anchored = self._anchored or self.head == self._anchor
        self._claim(event)

    def anchor_faults(self) -> list[_Fault]:
        """A saved head that is nowhere in the chain."""
        if self._anchored or self._anchor is None:
            return []
        if self._anchor.sequence > self.head.sequence:
            return [
                _Fault(
                    self.head.sequence + 1,
                    f"the chain ends before the saved head {self._anchor.sequence}: its tail was cut off",
                )
            ]
        return [_Fault(self._anchor.sequence, "the saved head is not in the chain: history was written anew")]

    def _claim(self, event: AuditEvent) -> None:
        try:
            written = rows_written(event)
        except (ValueError, KeyError, TypeError):
            self._blame(event.sequence, "the event does not say which rows it wrote")
            return
        for table, key, sha256 in written:
            if (table, key) in self.claims:
                self._blame(event.sequence, f"{table} row {key!r} is written a second time")
            self.claims[(table, key)] = (sha256, event.sequence)

    def _blame(self, sequence: int, reason: str) -> None:
        self.faults.append(_Fault(sequence, reason))


def _events(cursor: Cursor) -> Iterator[AuditEvent | None]:
    cursor.execute(f"SELECT {', '.join(EVENT_COLUMNS)} FROM events ORDER BY sequence")  # noqa: S608 - our own
    while batch := cursor.fetchmany(BATCH):
        for values in batch:
            try:
                yield event_of(values)
            except (ValueError, TypeError):
                yield None


def _table_faults(cursor: Cursor, table: str, claims: Claims) -> Iterator[_Fault]:
    """Faults of a table's rows; the claims that a row bears out are taken off `claims`."""
    cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - tables of `KEYS`
    columns = [column[0] for column in cursor.description or ()]
    if not {"sha256", "sequence", KEYS[table]} <= set(columns):
        return
    while batch := cursor.fetchmany(BATCH):
        for values in batch:
            row, kept = split_hash(table, columns, values)
            fault = _row_fault(row, kept, claims.pop((table, row.key), None))
            if fault is not None:
                yield fault


def _row_fault(row: Row, kept: str, claim: tuple[str, int] | None) -> _Fault | None:
    sequence = row.values[row.columns.index("sequence")]
    if claim is None:
        return _Fault(
            int(str(sequence)), f"{row.table} row {row.key!r} was written by no event: it was added or renamed"
        )
    wanted, written_by = claim
    if not row.sha256 == kept == wanted:
        return _Fault(written_by, f"{row.table} row {row.key!r} is not as event {written_by} wrote it: it was edited")
    return None
