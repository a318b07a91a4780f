"""Audit events: what was done, by whom, to what, hash-chained so that no row can change unseen.

The shape follows FHIR AuditEvent (recorded, agent, action, entity); the chain follows the usual construction
hash = SHA-256(previous hash || canonical event).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

GENESIS = "0" * 64


class Action(StrEnum):
    """The closed list of what can happen to a case, and to the store that keeps it."""

    CASE_REGISTERED = "case_registered"
    CASE_VIEWED = "case_viewed"
    DRAFT_REQUESTED = "draft_requested"
    DRAFT_RETRIED = "draft_retried"
    DRAFT_CANCELLED = "draft_cancelled"
    DRAFT_RECORDED = "draft_recorded"
    EVIDENCE_RECORDED = "evidence_recorded"
    REVIEW_OPENED = "review_opened"
    DECISION_RECORDED = "decision_recorded"
    DECISION_WITHDRAWN = "decision_withdrawn"
    REVIEW_SIGNED = "review_signed"
    REVIEW_ABANDONED = "review_abandoned"
    SECOND_READ_SIGNED = "second_read_signed"
    CROSSWALK_READ = "crosswalk_read"
    EXPORTED = "exported"
    STORE_MIGRATED = "store_migrated"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One link of the chain.

    Attributes:
        sequence: 1, 2, 3, ... without gaps; the order of record (clocks may step).
        recorded: UTC.
        agent: who (a reader id, or a command's name).
        role: in which role.
        entity: the id of what was acted on.
        detail: a JSON object as canonical text, among it the SHA-256 of every row the action wrote.
        previous_hash, hash: SHA-256, hexadecimal.
    """

    sequence: int
    recorded: datetime
    agent: str
    role: str
    action: Action
    entity: str
    detail: str
    previous_hash: str
    hash: str


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no white space: the same value gives the same bytes.

    >>> canonical_json({"b": 1, "a": [None]})
    '{"a":[null],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def link_hash(event: AuditEvent) -> str:
    """SHA-256 of an event's canonical form, the previous hash included and its own left out."""
    form = canonical_json(
        [
            event.sequence,
            event.recorded.astimezone(UTC).isoformat(),
            event.agent,
            event.role,
            event.action.value,
            event.entity,
            event.detail,
            event.previous_hash,
        ]
    )
    return hashlib.sha256(form.encode()).hexdigest()


def sealed(event: AuditEvent) -> AuditEvent:
    """The event with its hash filled in.

    >>> day = datetime(2026, 1, 1, tzinfo=UTC)
    >>> first = AuditEvent(1, day, "r1", "reader", Action.CASE_VIEWED, "c1", "{}", GENESIS, "")
    >>> sealed(first).hash == link_hash(sealed(first))
    True
    """
    return dataclasses.replace(event, hash=link_hash(event))
