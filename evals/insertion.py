"""Lesions of known place, size and contrast, inserted into real radiographs for evaluation.

Nothing here is shared with training: no shape, seed or table. The image side is taken as 375 mm (the field of a
14 x 17 inch detector, after cropping), since the images carry no spacing. Contrast is a share of the display range and
is what was really added: a place is only used where the peak fits under the white end. Figures on such lesions say
"inserted" wherever they are shown: a model may do better or worse on real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from evals.lesion_shape import EDGE_SHARE, random_shape, render
from evals.lung_field import Mask
from evals.trial import Lesion
from grounding.box import Box, clipped_box

SIDE_MM = 375.0
DIAMETERS_MM = (10.0, 40.0)
FULL = float(np.iinfo(np.uint16).max)
ATTEMPTS = 40  # places tried before an image is given up
INSIDE_SHARE = 0.25  # centres are at least this share of the diameter inside the field: lesions may abut the wall
GAP_PX_1024 = 150.0  # centres of two lesions of one image are at least this far apart


class Tier(StrEnum):
    """How visible an inserted lesion is, by its peak contrast."""

    SUBTLE = "subtle"
    MODERATE = "moderate"
    CONSPICUOUS = "conspicuous"


CONTRASTS = {Tier.SUBTLE: (0.05, 0.09), Tier.MODERATE: (0.09, 0.14), Tier.CONSPICUOUS: (0.14, 0.22)}


class NoPlaceError(LookupError):
    """No place in this image takes the lesion: no lung field found, or no headroom under white."""


@dataclass(frozen=True, slots=True)
class Inserted:
    """An image with one more lesion, and the truth about it."""

    pixels: NDArray[np.uint16]
    lesion: Lesion


def insert_nodule(
    pixels: NDArray[np.uint16],
    *,
    field: Mask,
    tier: Tier,
    random: np.random.Generator,
    diameters_mm: tuple[float, float] = DIAMETERS_MM,
    apart_from: Sequence[Box] = (),
) -> Inserted:
    """A copy of the image with one nodule added inside the lung field.

    Args:
        pixels: (rows, columns) uint16, the displayed image, bright is dense.
        field: (rows, columns) boolean lung field of this image.
        tier: of contrast.
        random: source of place, size, contrast and shape.
        diameters_mm: range of nominal diameters (the contour at 30 % of the peak).
        apart_from: boxes of lesions already there.

    Raises:
        NoPlaceError: nothing fits.
    """
    side = max(pixels.shape)
    diameter = float(random.uniform(*diameters_mm))
    contrast = float(random.uniform(*CONTRASTS[tier]))
    patch = contrast * render(random_shape(random), radius_px=diameter / SIDE_MM * side / 2)
    places = _places(field, margin_px=INSIDE_SHARE * diameter / SIDE_MM * side)
    for _ in range(ATTEMPTS):
        row, column = places[int(random.integers(len(places)))]
        added = _laid(patch, pixels.shape, int(row), int(column))
        if not _far(int(row), int(column), apart_from, pixels.shape) or not _fits(pixels, added, contrast):
            continue
        return _inserted(pixels, added, Lesion(_footprint(added), tier.value, diameter, contrast))
    msg = f"no place takes a {tier} nodule of {diameter:.0f} mm after {ATTEMPTS} tries; use another image"
    raise NoPlaceError(msg)


def insert_sizes(
    pixels: NDArray[np.uint16],
    *,
    field: Mask,
    tier: Tier,
    random: np.random.Generator,
    diameters_mm: Sequence[float],
) -> tuple[Inserted, ...]:
    """One nodule at one place in each of these sizes, each in a copy of its own: a lesion that grows or shrinks.

    Its form and its peak contrast are the same in all of them.

    Args:
        pixels: (rows, columns) uint16, the displayed image, bright is dense.
        field: (rows, columns) boolean lung field of this image.
        tier: of contrast.
        random: source of place, contrast and shape.
        diameters_mm: nominal, at least one.

    Raises:
        NoPlaceError: no place takes it in every size.
    """
    side = max(pixels.shape)
    contrast, shape = float(random.uniform(*CONTRASTS[tier])), random_shape(random)
    patches = [contrast * render(shape, radius_px=one / SIDE_MM * side / 2) for one in diameters_mm]
    places = _places(field, margin_px=INSIDE_SHARE * max(diameters_mm) / SIDE_MM * side)
    for _ in range(ATTEMPTS):
        row, column = places[int(random.integers(len(places)))]
        added = [_laid(patch, pixels.shape, int(row), int(column)) for patch in patches]
        if all(_fits(pixels, one, contrast) for one in added):
            sized = zip(added, diameters_mm, strict=True)
            return tuple(
                _inserted(pixels, one, Lesion(_footprint(one), tier.value, size, contrast)) for one, size in sized
            )
    msg = f"no place takes a {tier} nodule of {max(diameters_mm):.0f} mm after {ATTEMPTS} tries; use another image"
    raise NoPlaceError(msg)


def _places(field: Mask, *, margin_px: float) -> NDArray[np.intp]:
    depth = ndimage.distance_transform_edt(field)
    places = np.argwhere(depth > margin_px)
    if not len(places):
        msg = f"the lung field has no place {margin_px:.0f} px inside its edge; use another image"
        raise NoPlaceError(msg)
    return places


def _laid(patch: NDArray[np.float64], shape: tuple[int, ...], row: int, column: int) -> NDArray[np.float64]:
    half = patch.shape[0] // 2
    canvas = np.zeros((shape[0] + 2 * half, shape[1] + 2 * half))
    canvas[row : row + patch.shape[0], column : column + patch.shape[1]] = patch
    return np.asarray(canvas[half : half + shape[0], half : half + shape[1]], dtype=np.float64)


def _fits(pixels: NDArray[np.uint16], added: NDArray[np.float64], contrast: float) -> bool:
    under = pixels[added > EDGE_SHARE * contrast] / FULL
    return float(np.quantile(under, 0.95)) + contrast < 1.0


def _far(row: int, column: int, boxes: Sequence[Box], shape: tuple[int, ...]) -> bool:
    side = max(shape)
    for box in boxes:
        x, y = box.center
        if np.hypot(x * shape[1] - column, y * shape[0] - row) / side * 1024 < GAP_PX_1024:
            return False
    return True


def _inserted(pixels: NDArray[np.uint16], added: NDArray[np.float64], lesion: Lesion) -> Inserted:
    bright = np.clip(pixels + np.rint(added * FULL), 0, FULL).astype(np.uint16)
    bright.setflags(write=False)
    return Inserted(bright, lesion)


def _footprint(added: NDArray[np.float64]) -> Box:
    rows, columns = np.nonzero(added > EDGE_SHARE * added.max())
    height, width = added.shape
    left, top = float(columns.min()) / width, float(rows.min()) / height
    box = clipped_box(left, top, float(columns.max() + 1) / width, float(rows.max() + 1) / height)
    if box is None:
        msg = "a lesion adds contrast somewhere on the image"
        raise ValueError(msg)
    return box
