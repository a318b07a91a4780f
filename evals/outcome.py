"""What a draft did with the lesions of one image: the centres of its boxes, their scores, and what they found.

Only what the figures need is kept, so that a thousand images need no memory. A failed draft has no boxes and so misses
everything; it is counted among the faults as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cases.draft import Draft
from evals.matching import Match, Point, deviations_px_1024, match
from evals.trial import Lesion, Trial


@dataclass(frozen=True, slots=True)
class Outcome:
    """One image after drafting.

    Attributes:
        patient: cluster for the intervals.
        columns, rows: of the displayed image.
        lesions: truth.
        points: centres of the drafted boxes, normalized.
        scores: of each box; None where the draft gave none.
    """

    patient: str
    columns: int
    rows: int
    lesions: tuple[Lesion, ...]
    points: tuple[Point, ...]
    scores: tuple[float, ...] | None

    @property
    def match(self) -> Match:
        """Which box found which lesion."""
        boxes = [lesion.box for lesion in self.lesions]
        return match(self.points, boxes, scores=self.scores, columns=self.columns, rows=self.rows)

    @property
    def deviations_px_1024(self) -> tuple[float, ...]:
        """Of each lesion, the distance to the nearest drafted box, else to the image centre."""
        boxes = [lesion.box for lesion in self.lesions]
        return deviations_px_1024(self.points, boxes, columns=self.columns, rows=self.rows)

    def pointing(self, points: Sequence[Point]) -> Outcome:
        """The same image with these points instead of drafted boxes (a baseline), all of one score."""
        return replace(self, points=tuple(points), scores=(1.0,) * len(points))


def outcome_of(trial: Trial, draft: Draft) -> Outcome:
    """What the draft did with this trial's lesions."""
    rows, columns = trial.pixels.shape
    boxes = draft.report.boxes if draft.report is not None else ()
    scored = len(draft.box_scores) == len(boxes)
    return Outcome(
        patient=trial.patient,
        columns=columns,
        rows=rows,
        lesions=trial.lesions,
        points=tuple(box.center for box in boxes),
        scores=draft.box_scores if scored else None,
    )
