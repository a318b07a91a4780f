"""A row of a ledger table with its hash: SHA-256 over the table's name and every column but the hash itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from cases.audit import canonical_json

Value = str | int | float | bool | date | None  # a datetime is a date

KEYS: Mapping[str, str] = {
    "migrations": "name",
    "cases": "case_id",
    "drafts": "draft_id",
    "decisions": "decision_id",
    "reviews": "review_id",
    "review_sentences": "review_sentence_id",
    "evidence": "evidence_id",
    "triggers": "trigger_id",
    "second_reads": "second_read_id",
}
"""Every table that holds records, with the column that names a row. Events have a chain of their own."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """The event that writes a row: its place in the chain, and when (UTC)."""

    sequence: int
    recorded: datetime

    def __post_init__(self) -> None:
        """Refuse a clock that names no zone."""
        if self.recorded.tzinfo is None:
            msg = "times are timezone-aware UTC: give Store.open a clock that is"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is written, or as it was read.

    Attributes:
        table: one of `KEYS`.
        columns: names, `sha256` left out.
        values: in the order of `columns`; times are naive UTC, as DuckDB's TIMESTAMP keeps them.
    """

    table: str
    columns: tuple[str, ...]
    values: tuple[Value, ...]

    @property
    def key(self) -> str:
        """What names the row in its table."""
        return str(self.values[self.columns.index(KEYS[self.table])])

    @property
    def sha256(self) -> str:
        """The row's hash, computed from its values now.

        >>> Row("cases", ("case_id",), ("c1",)).sha256 == Row("cases", ("case_id",), ("c2",)).sha256
        False
        """
        cells = {name: _hashable(value) for name, value in zip(self.columns, self.values, strict=True)}
        return hashlib.sha256(canonical_json([self.table, cells]).encode()).hexdigest()


def row_of(table: str, cells: Mapping[str, Value]) -> Row:
    """A row to be written: aware times become naive UTC."""
    return Row(table, tuple(cells), tuple(naive_utc(value) for value in cells.values()))


def split_hash(table: str, columns: Sequence[str], values: Sequence[Value]) -> tuple[Row, str]:
    """A row that was read, and the hash that stood in it."""
    at = list(columns).index("sha256")
    row = Row(table, (*columns[:at], *columns[at + 1 :]), (*values[:at], *values[at + 1 :]))
    return row, str(values[at])


def naive_utc(value: Value) -> Value:
    """An aware time as naive UTC; anything else as it is.

    >>> naive_utc(datetime(2026, 1, 1, 12, tzinfo=UTC))
    datetime.datetime(2026, 1, 1, 12, 0)
    """
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def aware_utc(value: datetime) -> datetime:
    """A time that DuckDB gave back, with its zone put on again."""
    return value.replace(tzinfo=UTC)


def _hashable(value: Value) -> object:
    return value.isoformat() if isinstance(value, date) else value
