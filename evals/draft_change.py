"""What is different between two drafts of one case: sentences gained, lost and changed, boxes moved.

Sentences are paired as `grounding.redraft` does. What is left over is lost or gained: a nodule that becomes a mass is
one of each. A paired sentence is changed where polarity, laterality, progression or location differ; other words for
the same facts are no change. Boxes are paired within paired sentences by their overlap. Which draft is right is no
question here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cases.draft import Draft
from grounding.assignment import assigned
from grounding.box import Box
from grounding.redraft import FACTS, paired


@dataclass(frozen=True, slots=True)
class BoxPair:
    """Two boxes that stand for each other: overlap, and the model's own scores where both drafts have them."""

    iou: float
    scores: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class DraftChange:
    """The second draft beside the first.

    Attributes:
        comparable: both are reports; otherwise only `failed` says something.
        failed: (first, second) failed.
        sentences: how many the first draft has.
        gained, lost: how many sentences stand alone.
        changed: name of the fact -> in how many paired sentences it differs, in the order of `FACTS`.
        boxes: the paired ones.
        boxes_gained, boxes_lost: how many stand alone.
    """

    comparable: bool
    failed: tuple[bool, bool]
    sentences: int = 0
    gained: int = 0
    lost: int = 0
    changed: tuple[int, ...] = (0,) * len(FACTS)
    boxes: tuple[BoxPair, ...] = ()
    boxes_gained: int = 0
    boxes_lost: int = 0

    @property
    def any_finding(self) -> bool:
        """Whether a reader would be told something else: a sentence gained, lost or changed, or a draft not there."""
        return self.failed[0] != self.failed[1] or bool(self.gained or self.lost or any(self.changed))

    def differs_in(self, fact: str) -> bool:
        """Whether a paired sentence differs in that fact."""
        return bool(self.changed[FACTS.index(fact)])


def draft_change(first: Draft, second: Draft) -> DraftChange:
    """What the second draft has otherwise than the first.

    Raises:
        ValueError: they are drafts of different cases.
    """
    if first.case_id != second.case_id:
        msg = f"two drafts of one case are compared, not of {first.case_id} and {second.case_id}"
        raise ValueError(msg)
    failed = (first.failure is not None, second.failure is not None)
    if first.report is None or second.report is None:
        return DraftChange(comparable=False, failed=failed)
    ours, theirs = first.report.sentences, second.report.sentences
    pairs = paired(ours, theirs)
    boxes, alone = _boxes(first, second, pairs)
    return DraftChange(
        comparable=True,
        failed=failed,
        sentences=len(ours),
        gained=len(theirs) - len(pairs),
        lost=len(ours) - len(pairs),
        changed=tuple(sum(getattr(ours[a], fact) != getattr(theirs[b], fact) for a, b in pairs) for fact in FACTS),
        boxes=boxes,
        boxes_lost=alone[0],
        boxes_gained=alone[1],
    )


def _boxes(
    first: Draft, second: Draft, pairs: Sequence[tuple[int, int]]
) -> tuple[tuple[BoxPair, ...], tuple[int, int]]:
    """The paired boxes, and how many of the first and of the second draft stand alone."""
    ours, theirs = _scored_boxes(first), _scored_boxes(second)
    found = [pair for a, b in pairs for pair in _overlaps(ours[a], theirs[b])]
    totals = (sum(map(len, ours)), sum(map(len, theirs)))
    return tuple(found), (totals[0] - len(found), totals[1] - len(found))


def _scored_boxes(draft: Draft) -> list[list[tuple[Box, float | None]]]:
    """Sentence by sentence, each box with its score, None where the draft has none."""
    sentences = draft.report.sentences if draft.report is not None else ()
    scores = iter(draft.box_scores or (None,) * sum(len(sentence.boxes) for sentence in sentences))
    return [[(box, next(scores)) for box in sentence.boxes] for sentence in sentences]


def _overlaps(ours: list[tuple[Box, float | None]], theirs: list[tuple[Box, float | None]]) -> list[BoxPair]:
    if not ours or not theirs:
        return []
    overlaps = [[a.iou(b) for b, _ in theirs] for a, _ in ours]
    return [
        BoxPair(overlaps[row][column], _both(ours[row][1], theirs[column][1]))
        for row, column in assigned([[-one for one in row] for row in overlaps])
    ]


def _both(ours: float | None, theirs: float | None) -> tuple[float, float] | None:
    return None if ours is None or theirs is None else (ours, theirs)


__all__ = ["FACTS", "BoxPair", "DraftChange", "draft_change", "paired"]
