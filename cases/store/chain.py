"""The chain of events: how a link is made from the one before, and the anchor that a second custodian keeps.

A chain in the same file cannot see that its own tail was cut off; an anchor (sequence and hash of a head), saved
elsewhere, can. Source: Certificate Transparency's signed tree heads, RFC 6962, section 3.5, without the signature.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cases.audit import GENESIS, Action, AuditEvent, canonical_json, sealed
from cases.store.errors import AnchorError, RefusedError
from cases.store.row import Row, Stamp, aware_utc

ROWS = "rows"
HASH_DIGITS = 64


@dataclass(frozen=True, slots=True)
class Entry:
    """What a caller wants recorded: the event's words, and the rows it writes once its place is known."""

    action: Action
    agent: str
    role: str
    entity: str
    detail: Mapping[str, object] = field(default_factory=dict)
    rows: Callable[[Stamp], tuple[Row, ...]] = lambda _: ()

    def __post_init__(self) -> None:
        """Refuse an event by nobody, and a detail that would hide the rows."""
        if not (self.agent.strip() and self.role.strip()):
            msg = "an event names who acted and in which role: give agent and role"
            raise RefusedError(msg)
        if ROWS in self.detail:
            msg = f"an event's detail keeps {ROWS!r} for the hashes of the rows it wrote: use another name"
            raise RefusedError(msg)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head of the chain: the last event's sequence (0 for none) and hash."""

    sequence: int
    hash: str

    def as_json(self) -> str:
        """The text to keep elsewhere.

        >>> Anchor(0, GENESIS[:4]).as_json()
        '{"hash":"0000","sequence":0}'
        """
        return canonical_json({"hash": self.hash, "sequence": self.sequence})


def anchor_from_json(text: str) -> Anchor:
    """The anchor of a saved head, or of a saved answer of `audit verify` (its keys `events` and `head`).

    Raises:
        AnchorError: the text is neither.
    """
    try:
        given = json.loads(text)
        sequence, digest = given.get("sequence", given.get("events")), given.get("hash", given.get("head"))
    except (ValueError, AttributeError, RecursionError):
        sequence, digest = None, None
    right = type(sequence) is int and sequence >= 0 and isinstance(digest, str) and len(digest) == HASH_DIGITS
    if not right:
        msg = 'an anchor is {"sequence": n, "hash": 64 hexadecimal digits}: give the file that the head was saved to'
        raise AnchorError(msg)
    return Anchor(sequence, digest)


def next_event(entry: Entry, rows: Sequence[Row], *, after: Anchor, recorded: datetime) -> AuditEvent:
    """The link that follows `after`."""
    written = [{"table": row.table, "key": row.key, "sha256": row.sha256} for row in rows]
    return sealed(
        AuditEvent(
            sequence=after.sequence + 1,
            recorded=recorded,
            agent=entry.agent,
            role=entry.role,
            action=entry.action,
            entity=entry.entity,
            detail=canonical_json({**entry.detail, ROWS: written}),
            previous_hash=after.hash,
            hash="",
        )
    )


EVENT_COLUMNS = (
    "sequence",
    "recorded_at",
    "agent",
    "role",
    "action",
    "entity",
    "detail",
    "previous_hash",
    "hash",
)


def event_of(values: Sequence[object]) -> AuditEvent:
    """The event of a row, its columns in the order of `EVENT_COLUMNS`.

    Raises:
        ValueError: the action is none of ours.
        TypeError: a cell is of another kind.
    """
    sequence, recorded, agent, role, action, entity, detail, previous_hash, digest = values
    if not (isinstance(sequence, int) and isinstance(recorded, datetime)):
        msg = "an event has a number and a time"
        raise TypeError(msg)
    texts = [str(text) for text in (agent, role, entity, detail, previous_hash, digest)]
    return AuditEvent(
        sequence, aware_utc(recorded), texts[0], texts[1], Action(str(action)), texts[2], texts[3], texts[4], texts[5]
    )


def rows_written(event: AuditEvent) -> tuple[tuple[str, str, str], ...]:
    """(table, key, SHA-256) of each row that the event says it wrote."""
    return tuple((row["table"], row["key"], row["sha256"]) for row in json.loads(event.detail)[ROWS])


EMPTY = Anchor(0, GENESIS)
