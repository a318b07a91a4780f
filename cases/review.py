"""A reader's review of a draft: one decision per sentence, from which override flags are derived, never typed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from grounding.report import GroundedSentence


class Decision(StrEnum):
    """What became of a sentence."""

    KEPT = "kept"
    REWORDED = "reworded"
    CORRECTED = "corrected"
    DELETED = "deleted"
    ADDED = "added"


class Reason(StrEnum):
    """Why a sentence was changed; required for every decision but KEPT."""

    FALSE_POSITIVE = "false_positive"
    WRONG_LOCATION = "wrong_location"
    WRONG_LATERALITY = "wrong_laterality"
    WRONG_SEVERITY = "wrong_severity"
    WRONG_PROGRESSION = "wrong_progression"
    MISSED_FINDING = "missed_finding"
    STYLE_ONLY = "style_only"
    NOT_RELEVANT = "not_relevant"


OVERRIDES = frozenset({Decision.CORRECTED, Decision.DELETED, Decision.ADDED})
MOVED_IOU = 0.5  # a box moved to an IoU under this is another place (house plan, "The types that flow")


class Arm(StrEnum):
    """How the case was read."""

    AI_FIRST = "ai_first"
    READ_FIRST = "read_first"
    NO_AI = "no_ai"


@dataclass(frozen=True, slots=True)
class SentenceReview:
    """One decision: the sentence before (None when added) and after (None when deleted).

    Attributes:
        index: of the sentence in the draft; for an added one, where it stands after the drafted ones.
    """

    index: int
    decision: Decision
    before: GroundedSentence | None
    after: GroundedSentence | None
    reason: Reason | None = None

    def __post_init__(self) -> None:
        """Refuse a decision that before, after and reason do not bear out."""
        if (self.before is None) != (self.decision is Decision.ADDED):
            msg = f"only an added sentence has nothing before it: {self.decision} at {self.index}"
            raise ValueError(msg)
        if (self.after is None) != (self.decision is Decision.DELETED):
            msg = f"only a deleted sentence has nothing after it: {self.decision} at {self.index}"
            raise ValueError(msg)
        if (self.reason is None) != (self.decision is Decision.KEPT):
            msg = f"every change has a reason, and only a change has one: {self.decision} at {self.index}"
            raise ValueError(msg)


def derived_decision(before: GroundedSentence, after: GroundedSentence) -> Decision:
    """KEPT, REWORDED or CORRECTED, from what changed, whatever the reader pressed.

    An edit that changes finding, polarity, side, location, progression or section, adds or drops a box, or moves one to
    an IoU under 0.5 is CORRECTED. Source: house plan, "The types that flow".

    >>> a = GroundedSentence("Nodule in the left lung.")
    >>> derived_decision(a, GroundedSentence("A nodule in the left lung."))
    <Decision.REWORDED: 'reworded'>
    """
    if before == after:
        return Decision.KEPT
    if _facts(before) != _facts(after) or _boxes_moved(before, after):
        return Decision.CORRECTED
    return Decision.REWORDED


def _facts(sentence: GroundedSentence) -> tuple[object, ...]:
    return (
        sentence.finding,
        sentence.polarity,
        sentence.laterality,
        sentence.location,
        sentence.progression,
        sentence.section,
    )


def _boxes_moved(before: GroundedSentence, after: GroundedSentence) -> bool:
    if len(before.boxes) != len(after.boxes):
        return True
    return any(a.iou(b) < MOVED_IOU for a, b in zip(before.boxes, after.boxes, strict=True))


@dataclass(frozen=True, slots=True)
class Review:
    """A signed review of one draft by one reader.

    Attributes:
        review_id: opaque; also the idempotency key of the sign-off, so that a double click signs once.
        reader_id: pseudonymous name of the person who signed.
        draft_id: None when no draft was shown (arm no_ai, or the draft had failed).
        opened, signed: UTC. first_edit: UTC, None when nothing was edited.
        active_s: seconds of work between opened and signed, idle time removed.
        supersedes: the review this one amends, None for a first signature.
    """

    review_id: str
    case_id: str
    draft_id: str | None
    reader_id: str
    arm: Arm
    opened: datetime
    signed: datetime
    active_s: float
    sentences: tuple[SentenceReview, ...]
    first_edit: datetime | None = None
    supersedes: str | None = None

    def __post_init__(self) -> None:
        """Refuse naive or reversed times and an unnamed reader."""
        if self.opened.tzinfo is None or self.signed.tzinfo is None:
            msg = "times are timezone-aware UTC"
            raise ValueError(msg)
        if self.signed < self.opened or self.active_s < 0:
            msg = f"a review is opened before it is signed: {self.opened} .. {self.signed}, {self.active_s} s active"
            raise ValueError(msg)
        if not self.reader_id.strip():
            msg = "a review is signed by a reader: give reader_id"
            raise ValueError(msg)

    @property
    def overridden(self) -> bool:
        """Whether at least one sentence was CORRECTED, DELETED or ADDED (REWORDED is style)."""
        return any(sentence.decision in OVERRIDES for sentence in self.sentences)
