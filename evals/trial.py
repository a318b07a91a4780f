"""A trial: a case with its pixels, and beside it (never inside it) the truth about its lesions.

The drafter sees `case` and `pixels` and nothing else, through the same call as the product; file names, patients and
truth stay on this side. Not here: where trials come from (`evals.insertion`, `evals.sources`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cases.draft import Draft
from cases.pixels import Pixels, Rendered
from cases.study import Case, CaseStatus, Image, InputName, InputState, MissingReason, Observation, PriorNote
from grounding.box import Box

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # evaluation cases arrive at no particular time


class Drafter(Protocol):
    """Drafts one case: the product's own path (`vlm.draft.draft_case` with its backend bound)."""

    def __call__(self, case: Case, *, pixels: Rendered) -> Draft:
        """The draft; model faults come back as failed drafts."""
        ...


@dataclass(frozen=True, slots=True)
class Lesion:
    """One lesion that is known to be there.

    Attributes:
        box: truth, normalized in the displayed image.
        tier: the group it is reported under ("moderate", "conspicuous", "subtle", or a label).
        diameter_mm, contrast: of an inserted lesion (contrast as a share of the display range), else None.
    """

    box: Box
    tier: str
    diameter_mm: float | None = None
    contrast: float | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One case to draft and the truth it is judged by.

    Attributes:
        case: what the drafter gets.
        pixels: (rows, columns) uint16, the displayed image.
        patient: cluster for the intervals.
        lesions: truth; empty for a lesion-free image.
        prior_pixels: (rows, columns) uint16 of the case's prior image, None where it has none.
    """

    case: Case
    pixels: NDArray[np.uint16]
    patient: str
    lesions: tuple[Lesion, ...]
    prior_pixels: NDArray[np.uint16] | None = None

    @property
    def rendered(self) -> Pixels:
        """The pixels of both images, as drafting takes them."""
        return Pixels(self.pixels, self.prior_pixels)


def image_of(pixels: NDArray[np.uint16], *, view: str | None, simulated: bool, acquired: date | None = None) -> Image:
    """The `Image` of displayed pixels, without a spacing: evaluation images carry none that could be trusted.

    Args:
        pixels: (rows, columns) uint16.
        view: PA or AP, None where unknown.
        simulated: whether the project rendered it itself.
        acquired: the day; a case with a prior image needs one for both.
    """
    rows, columns = pixels.shape
    return Image(
        sha256=hashlib.sha256(np.ascontiguousarray(pixels, dtype="<u2").tobytes()).hexdigest(),
        rows=rows,
        columns=columns,
        modality="DX",
        view_position=view,
        pixel_spacing_mm=None,
        spacing_source=None,
        acquired=acquired,
        simulated=simulated,
    )


def trial_case(
    case_id: str,
    image: Image,
    *,
    notes: tuple[PriorNote, ...] = (),
    indication: str | None = None,
    age_years: int | None = None,
    sex: str | None = None,
) -> Case:
    """A case with only these inputs; all others are missing because they were not sent."""
    present = {
        InputName.CURRENT_IMAGE: True,
        InputName.PRIOR_NOTES: bool(notes),
        InputName.INDICATION: indication is not None,
    }
    return Case(
        case_id=case_id,
        patient_pseudonym=case_id,
        received=EPOCH,
        status=CaseStatus.REGISTERED,
        image=image,
        notes=notes,
        indication=indication,
        age_years=age_years,
        sex=sex,
        inputs=tuple(_state(name, present=present.get(name, False)) for name in InputName),
    )


def compared_case(
    case: Case,
    *,
    prior_image: Image | None = None,
    notes: tuple[PriorNote, ...] = (),
    observations: tuple[Observation, ...] = (),
) -> Case:
    """The case with these inputs too; those that are not given stay as they are.

    Raises:
        ValueError: the prior image is not known to be older than the current one.
    """
    given = {
        InputName.PRIOR_IMAGE: prior_image is not None,
        InputName.PRIOR_NOTES: bool(notes),
        InputName.STRUCTURED_VALUES: bool(observations),
    }
    return replace(
        case,
        prior_image=prior_image or case.prior_image,
        notes=notes or case.notes,
        observations=observations or case.observations,
        inputs=tuple(_state(state.name, present=True) if given.get(state.name) else state for state in case.inputs),
    )


def _state(name: InputName, *, present: bool) -> InputState:
    return InputState(name, present=present, missing_reason=None if present else MissingReason.NOT_SENT)
