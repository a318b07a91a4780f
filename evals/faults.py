"""What can be wrong with a draft as a text, before asking whether it is right.

Unparseable, truncated and empty come from the draft's own failure; repeating is looked for once more in drafts that
parsed. All are counted over all drafts attempted (abstentions apart), in the open, beside every rate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cases.draft import Draft, DraftStatus, FailureKind
from evals.rate import Rate
from grounding.report import GroundedSentence

SAME_PLACE_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Faults:
    """Counts over attempted drafts; `other` is a crash, a timeout or non-finite numbers.

    Attributes:
        attempted: drafts that were not abstentions.
        abstained: counted apart.
    """

    attempted: int
    abstained: int
    unparseable: int
    truncated: int
    empty: int
    repeating: int
    other: int

    def as_dict(self) -> dict[str, object]:
        """Each fault as count, rate, interval and denominator."""
        kinds = ("unparseable", "truncated", "empty", "repeating", "other")
        rates: dict[str, object] = {kind: Rate(getattr(self, kind), self.attempted).as_dict() for kind in kinds}
        return {"n_drafts": self.attempted, "abstained": self.abstained, **rates}


def draft_faults(drafts: Iterable[Draft]) -> Faults:
    """Count the faults of drafts."""
    kinds = [_fault(draft) for draft in drafts]
    abstained = kinds.count("abstained")
    return Faults(
        attempted=len(kinds) - abstained,
        abstained=abstained,
        unparseable=kinds.count("unparseable"),
        truncated=kinds.count("truncated"),
        empty=kinds.count("empty"),
        repeating=kinds.count("repeating"),
        other=kinds.count("other"),
    )


def repeats_itself(sentences: tuple[GroundedSentence, ...]) -> bool:
    """Whether two sentences of one section say the same words of the same place.

    Two nodules described alike at two places are not a repetition; the same box or no box at all twice is.
    """
    for index, first in enumerate(sentences):
        for second in sentences[index + 1 :]:
            if _words(first) == _words(second) and first.section == second.section and _same_place(first, second):
                return True
    return False


def _fault(draft: Draft) -> str:
    if draft.status is DraftStatus.ABSTAINED:
        return "abstained"
    if draft.failure is not None:
        named = {
            FailureKind.PARSE: "unparseable",
            FailureKind.TRUNCATED: "truncated",
            FailureKind.EMPTY: "empty",
            FailureKind.REPEATING: "repeating",
        }
        return named.get(draft.failure.kind, "other")
    if draft.report is not None and repeats_itself(draft.report.sentences):
        return "repeating"
    return "none"


def _words(sentence: GroundedSentence) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", sentence.text.lower()))


def _same_place(first: GroundedSentence, second: GroundedSentence) -> bool:
    if not first.boxes or not second.boxes:
        return not first.boxes and not second.boxes
    return any(a.iou(b) >= SAME_PLACE_IOU for a in first.boxes for b in second.boxes)
