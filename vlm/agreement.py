"""Agreement of samples: how often drafts of the same case repeat a sentence when the image is shifted a little.

Decoding here is greedy, so a second draft of the same input is the same draft. The samples are drafts of the image
moved by 2 % of its width or height, each way: nothing in the patient changes, the right and the left stay what they
are (no flips), and what the model says should not change either. A sentence is repeated when the other draft takes the
same stand and, where the sentence shows a box, has one in the same place (IoU of 0.2 or more after shifting back). A
redraft that fails repeats nothing. The score is the empirical log-odds of the share. Cost: one draft a shift.

Source of the idea: SelfCheckGPT (Manakul P et al., EMNLP 2023), with input perturbations for temperature samples.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cases.pixels import Pixels, Rendered
from cases.study import Case, InputName
from grounding.box import Box
from grounding.report import GroundedReport, GroundedSentence
from grounding.stance import stance_of
from vlm.backend import Backend
from vlm.draft import draft_case
from vlm.prompt import is_missing

SHIFTS: Final = ((0.02, 0.0), (-0.02, 0.0), (0.0, 0.02), (0.0, -0.02))  # (x, y) as shares of width and height
SAME_PLACE: Final = 0.2  # IoU; small boxes that a model draws twice rarely overlap by more


def agreement(case: Case, *, pixels: Rendered, report: GroundedReport, backend: Backend) -> tuple[float | None, ...]:
    """The score of each sentence; None where it takes no stand, and for all of them without a current image.

    Args:
        case: that was drafted.
        pixels: of its images, or of the current one alone.
        report: of the draft.
        backend: that drafted it.
    """
    if is_missing(case, InputName.CURRENT_IMAGE):
        return (None,) * len(report.sentences)
    others = [_shifted_draft(case, Pixels.of(pixels), backend, shift) for shift in SHIFTS]
    return tuple(
        None
        if stance_of(sentence.text) is None
        else _empirical_log_odds(
            sum(_repeats(sentence, other, shift) for other, shift in zip(others, SHIFTS, strict=True))
        )
        for sentence in report.sentences
    )


def shifted(pixels: NDArray[np.uint16], *, x: float, y: float) -> NDArray[np.uint16]:
    """The image moved by a share of its width to the right and of its height downwards; edges are repeated.

    >>> shifted(np.array([[1, 2, 3, 4]], dtype=np.uint16), x=0.25, y=0.0).tolist()
    [[1, 1, 2, 3]]
    """
    rows, columns = pixels.shape
    down, right = round(y * rows), round(x * columns)
    from_row = np.clip(np.arange(rows) - down, 0, rows - 1)
    from_column = np.clip(np.arange(columns) - right, 0, columns - 1)
    return pixels[np.ix_(from_row, from_column)]


def _shifted_draft(case: Case, pixels: Pixels, backend: Backend, shift: tuple[float, float]) -> GroundedReport | None:
    moved = Pixels(shifted(pixels.current, x=shift[0], y=shift[1]), pixels.prior)
    draft = draft_case(case, pixels=moved, backend=backend, now=lambda: case.received, new_id=lambda: "sample")
    return draft.report


def _repeats(sentence: GroundedSentence, other: GroundedReport | None, shift: tuple[float, float]) -> bool:
    stance = stance_of(sentence.text)
    same = [one for one in ([] if other is None else other.sentences) if stance_of(one.text) == stance]
    if not sentence.boxes:
        return bool(same)
    return any(
        box.iou(back) >= SAME_PLACE
        for one in same
        for shown in one.boxes
        if (back := _back(shown, shift)) is not None
        for box in sentence.boxes
    )


def _back(box: Box, shift: tuple[float, float]) -> Box | None:
    """Where the box lies on the image before it was shifted; None where that is outside of it."""
    x_min, x_max = (min(max(edge - shift[0], 0.0), 1.0) for edge in (box.x_min, box.x_max))
    y_min, y_max = (min(max(edge - shift[1], 0.0), 1.0) for edge in (box.y_min, box.y_max))
    return Box(x_min, y_min, x_max, y_max) if x_min < x_max and y_min < y_max else None


def _empirical_log_odds(repeats: int) -> float:
    """Of a share out of few, finite at both ends (Haldane and Anscombe's half)."""
    return math.log((repeats + 0.5) / (len(SHIFTS) - repeats + 0.5))
