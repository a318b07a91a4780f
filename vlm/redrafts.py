"""The draft again without notes and values, and again without the images: what the model says from less.

A redraft takes the product's own path from the case with those inputs removed, as if they had not come in. It is
evidence about the draft and never shown as a draft. Not here: what is different between the two (`grounding.redraft`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cases.pixels import Rendered
from cases.study import Case
from grounding.attribution import EvidenceInput
from grounding.report import GroundedReport
from vlm.backend import Backend
from vlm.coalitions import table, without
from vlm.draft import draft_case

# All words from outside: a value holds some too, and what the image says alone is said without any of them.
NOTES = frozenset({EvidenceInput.PRIOR_REPORT, EvidenceInput.CLINICAL_NOTES, EvidenceInput.STRUCTURED_VALUES})
IMAGES = frozenset({EvidenceInput.CURRENT_IMAGE, EvidenceInput.PRIOR_IMAGE})
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # a redraft is not kept: it has no time of its own


@dataclass(frozen=True, slots=True)
class Redrafts:
    """The reports of the redrafts.

    Attributes:
        without_notes: from all but the prior report, the clinical notes, the indication and the structured values; None
            where the model was given none of them, or where the redraft failed.
        without_image: from all but the current and the prior image; None likewise.
        given: the inputs that the draft itself was made from; None where that was not found out.
    """

    without_notes: GroundedReport | None
    without_image: GroundedReport | None
    given: frozenset[EvidenceInput] | None = None

    def from_images(self, draft: GroundedReport) -> GroundedReport | None:
        """What the model says from the images alone: the draft itself where it was given nothing else."""
        return draft if self.given is not None and not self.given & NOTES else self.without_notes


def redrafts(case: Case, *, pixels: Rendered, backend: Backend) -> Redrafts:
    """Both redrafts of a case in scope.

    Raises:
        ValueError: the pixels are not those of the case.
    """
    players = frozenset(table(case, pixels=pixels, backend=backend).players)

    def again(removed: frozenset[EvidenceInput]) -> GroundedReport | None:
        return redraft(case, pixels=pixels, backend=backend, removed=removed) if players & removed else None

    return Redrafts(again(NOTES), again(IMAGES), players)


def redraft(
    case: Case, *, pixels: Rendered, backend: Backend, removed: frozenset[EvidenceInput]
) -> GroundedReport | None:
    """The report from the case without these inputs; None where the model failed."""
    fewer, left = without(case, pixels, removed)
    drafted = draft_case(fewer, pixels=left, backend=backend, now=lambda: _NEVER, new_id=lambda: "redraft")
    return drafted.report
