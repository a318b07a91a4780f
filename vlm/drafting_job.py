"""A drafting job: one case that waits for a model, is being drafted, or how that ended. It draws and stores nothing.

What a job ends as is not what its draft is: a failed draft is in the ledger and counts in every rate, a cancelled or
refused job left no draft at all, and the case is offered again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cases.draft import FailureKind


@dataclass(frozen=True, slots=True)
class Queued:
    """Waits; `place` is 1 for the next to be drafted."""

    place: int


@dataclass(frozen=True, slots=True)
class Drafting:
    """A model has it since then (UTC); `attempt` is 2 after a crash or a timeout."""

    since: datetime
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Done:
    """Its draft is recorded: a report, or an abstention."""

    draft_id: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A failed draft is recorded, and counts."""

    draft_id: str
    kind: FailureKind


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody took it back, or the server stopped, before a draft was recorded: there is none."""

    by: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No draft is recorded, for a reason that lies outside of the model's answer; the message names the way out."""

    message: str


State = Queued | Drafting | Done | Failed | Cancelled | Refused
Ended = Done | Failed | Cancelled | Refused


@dataclass(frozen=True, slots=True)
class Job:
    """One request to draft one case, as it stands at the moment of asking.

    Attributes:
        job_id: opaque, unique.
        case_id: what is to be drafted.
        asked_by: the pseudonymous reader who asked first.
        asked: UTC.
        state: where it stands.
    """

    job_id: str
    case_id: str
    asked_by: str
    asked: datetime
    state: State

    @property
    def live(self) -> bool:
        """Whether it still waits or is being drafted.

        >>> Job("j1", "c1", "r1", datetime(2026, 1, 1), Queued(1)).live
        True
        >>> Job("j1", "c1", "r1", datetime(2026, 1, 1), Cancelled("r1")).live
        False
        """
        return isinstance(self.state, Queued | Drafting)


class QueueFullError(RuntimeError):
    """As many cases wait as may; the message says how many, and the way out."""


class QueueClosedError(RuntimeError):
    """The server is stopping and takes no more; the message says the way out."""


class UnknownJobError(LookupError):
    """No such job is known; a page that is older than the server asks so."""


class NotRecordedError(RuntimeError):
    """The record could not give the case, or would not take the draft; the message says why, and the way out."""
