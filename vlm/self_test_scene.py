"""The pictures of the coordinate self-test: a bright round opacity at a known place on a simulated thorax.

A chest picture and not a plain field, because the question asked is the drafting prompt itself, and a model of chest
radiographs may answer nothing about anything else. The opacity is larger and brighter than any lesion that matters:
what is tested is whether boxes come back where they belong, never how well a model sees. Picture sizes are not square,
so that a crop or a margin that was not undone moves the box.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from cases.images import pixels_sha256
from cases.phantom.frame import SIDE_MM
from cases.phantom.thorax import render_thorax
from cases.study import Case, CaseStatus, Image, InputName, InputState, MissingReason

SIZES: Final = ((960, 640), (640, 960), (1000, 800), (720, 900))  # (columns, rows)
PLACES: Final = (
    (0.28, 0.35),
    (0.72, 0.35),
    (0.28, 0.6),
    (0.3, 0.45),
    (0.7, 0.5),
    (0.66, 0.28),
)  # off both diagonals, in the lungs
DIAMETER_MM: Final = 25.0
BRIGHTER: Final = 0.35  # of the display range
EDGE: Final = 0.2  # of the radius, over which it fades
THORAX_PX: Final = 512
DISPLAY_MAX: Final = 65535
INDICATION: Final = "Pulmonary nodule or mass?"


@dataclass(frozen=True, slots=True)
class Target:
    """One picture and where its opacity lies.

    Attributes:
        columns, rows: of the picture, pixels.
        x, y: centre of the opacity, fractions of the picture's width and height from the top left.
        seed: of the simulated thorax.
    """

    columns: int
    rows: int
    x: float
    y: float
    seed: int


def all_targets() -> tuple[Target, ...]:
    """Every place on every size; each size has a thorax of its own."""
    return tuple(
        Target(columns, rows, x, y, seed) for (seed, (columns, rows)), (x, y) in product(enumerate(SIZES), PLACES)
    )


def drawn(target: Target) -> NDArray[np.uint16]:
    """The picture: (rows, columns) uint16, as a rendered radiograph is."""
    whole = max(target.columns, target.rows)
    top, left = (whole - target.rows) // 2, (whole - target.columns) // 2
    thorax = _thorax(target.seed, whole)[top : top + target.rows, left : left + target.columns]
    rows, columns = np.mgrid[0 : target.rows, 0 : target.columns]
    away = np.hypot(columns + 0.5 - target.x * target.columns, rows + 0.5 - target.y * target.rows)
    radius = DIAMETER_MM / SIDE_MM * whole / 2
    opacity = np.clip((1 + EDGE / 2 - away / radius) / EDGE, 0, 1)
    levels: NDArray[np.uint16] = np.rint(np.clip(thorax + BRIGHTER * opacity, 0, 1) * DISPLAY_MAX).astype(np.uint16)
    return levels


@lru_cache(maxsize=len(SIZES))
def _thorax(seed: int, side: int) -> NDArray[np.float32]:
    """A simulated thorax without lesions, (side, side), 0..1."""
    small = Picture.fromarray(render_thorax(seed=seed, side_px=THORAX_PX).pixels)
    return np.asarray(small.resize((side, side), Picture.Resampling.BILINEAR))


def case_of(target: Target, pixels: NDArray[np.uint16]) -> Case:
    """The case that is drafted: the picture and the indication, and nothing else of a patient, since there is none."""
    name = f"self-test-{target.seed}-{target.x:g}-{target.y:g}"
    given = (InputName.CURRENT_IMAGE, InputName.INDICATION)
    return Case(
        case_id=name,
        patient_pseudonym=name,
        received=datetime(2000, 1, 1, tzinfo=UTC),
        status=CaseStatus.REGISTERED,
        image=Image(pixels_sha256(pixels), target.rows, target.columns, "DX", "PA", None, None, None, simulated=True),
        indication=INDICATION,
        inputs=tuple(
            InputState(each, present=each in given, missing_reason=None if each in given else MissingReason.NOT_SENT)
            for each in InputName
        ),
    )
