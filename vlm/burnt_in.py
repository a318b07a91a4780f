"""Text burned into a rendered radiograph, beyond the letters that mark a side or a view.

A cheap detector without character recognition: what stands out by its size of a letter (top-hat, bright or dark) is
cut into connected strokes, and strokes of one height that stand in a row make a line. A line of `LETTERS` is text. It
reads nothing: what the text says, whether it names a patient or orders a report, a person must see. Film markers
("R", "AP", "PORTABLE") are shorter and pass; text fainter than `CONTRASTS` says is not found.

Source: Serra J, Image Analysis and Mathematical Morphology, 1982 (top-hat); lines after Chen and Tan's smearing idea.
Whether the header admits to burned-in text is `cases.deidentify`'s question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from grounding.box import Box
from grounding.injection import IMAGE, Injection

FULL: Final = 65535
SIDE_PX: Final = 768  # longer images are searched at this size: what no model can read is no instruction to it
CONTRASTS: Final = (0.3, 0.15, 0.08, 0.04)  # of the display range, above or below what is around it
LETTERS: Final = 10  # strokes in a row; "PORTABLE" has 8
HEIGHTS: Final = (0.011, 0.07)  # of the image's longer side
HAT: Final = 0.03  # side of the top-hat's square, of the longer side: wider than a stroke, narrower than a rib
MOST_STROKES: Final = 3000
PATTERN: Final = "text in the picture"

Array = NDArray[np.float32]
Strokes = NDArray[np.float64]  # (strokes, 4): top, bottom, left, right, pixels


@dataclass(frozen=True, slots=True)
class BurntLine:
    """A line of text in a picture.

    Attributes:
        box: normalized in the displayed image.
        letters: strokes in the row; about its letters.
    """

    box: Box
    letters: int


def burnt_lines(pixels: NDArray[np.uint16]) -> tuple[BurntLine, ...]:
    """The lines of text in a picture, longest first; the same line is not told twice.

    Args:
        pixels: (rows, columns) uint16, rendered, 0 black to 65535 white.
    """
    picture = _searched(pixels)
    found: list[BurntLine] = []
    for hat in _hats(picture):
        for contrast in CONTRASTS:
            found += _lines(_strokes(hat > contrast), picture.shape)
    kept: list[BurntLine] = []
    for line in sorted(found, key=lambda one: -one.letters):
        if not any(line.box.iou(other.box) > 0.1 for other in kept):
            kept.append(line)
    return tuple(kept)


def burnt_in(pixels: NDArray[np.uint16] | None) -> tuple[Injection, ...]:
    """The same as evidence of a case: one entry for each line, without a place in any text."""
    lines = () if pixels is None else burnt_lines(pixels)
    return tuple(Injection(IMAGE, None, None, PATTERN) for _ in lines)


def _searched(pixels: NDArray[np.uint16]) -> Array:
    """The picture in 0..1, no longer than `SIDE_PX`."""
    grey: Array = np.asarray(pixels, dtype=np.float32) / np.float32(FULL)
    longest = max(grey.shape)
    if longest <= SIDE_PX:
        return grey
    size = tuple(max(1, round(length * SIDE_PX / longest)) for length in reversed(grey.shape))
    smaller = Image.fromarray(grey).resize((size[0], size[1]), Image.Resampling.BILINEAR)
    return np.asarray(smaller, dtype=np.float32)


def _hats(picture: Array) -> tuple[Array, Array]:
    """What is brighter, and what is darker, than all that is around it at the size of a letter's stroke."""
    from scipy import ndimage

    size = max(3, round(max(picture.shape) * HAT) | 1)
    opened = ndimage.maximum_filter(ndimage.minimum_filter(picture, size), size)
    closed = ndimage.minimum_filter(ndimage.maximum_filter(picture, size), size)
    return picture - opened, closed - picture


def _strokes(mask: NDArray[np.bool_]) -> Strokes:
    """The connected parts of a mask that have a letter's size and shape."""
    from scipy import ndimage

    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    low, high = (share * max(mask.shape) for share in HEIGHTS)
    kept = []
    for (rows, columns), area in zip(ndimage.find_objects(labels), areas, strict=True):
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if low <= height <= high and width <= 1.6 * height and area >= 0.12 * height * width:
            kept.append((rows.start, rows.stop, columns.start, columns.stop))
    return np.array(kept[:MOST_STROKES], dtype=np.float64).reshape(-1, 4)


def _lines(strokes: Strokes, shape: tuple[int, ...]) -> list[BurntLine]:
    """Rows of strokes of at least `LETTERS`."""
    following = _followers(strokes)
    lengths = np.ones(len(strokes), dtype=np.intp)
    order = np.argsort(-strokes[:, 2], kind="stable")
    for index in order:
        if following[index] >= 0:
            lengths[index] += lengths[following[index]]
    found = []
    for start in np.flatnonzero(lengths >= LETTERS):
        row = [int(start)]
        while following[row[-1]] >= 0:
            row.append(int(following[row[-1]]))
        found.append(BurntLine(_around(strokes[row], shape), len(row)))
    return found


def _followers(strokes: Strokes) -> NDArray[np.intp]:
    """For each stroke the next one in its row, -1 where there is none."""
    if len(strokes) < 2:
        return np.full(len(strokes), -1, dtype=np.intp)
    top, bottom, left, right = strokes.T
    height = bottom - top
    wide = np.maximum(height[:, None], height[None, :])
    gap = left[None, :] - right[:, None]
    near = (gap >= -0.3 * wide) & (gap <= 1.5 * wide) & (left[None, :] > left[:, None])
    alike = wide <= 1.8 * np.minimum(height[:, None], height[None, :])
    apart = np.minimum(np.abs(bottom[None, :] - bottom[:, None]), np.abs(top[None, :] - top[:, None]))
    gaps = np.where(near & alike & (apart <= 0.3 * wide), gap, np.inf)
    best = np.argmin(gaps, axis=1)
    return np.where(np.isfinite(gaps.min(axis=1)), best, -1).astype(np.intp)


def _around(strokes: Strokes, shape: tuple[int, ...]) -> Box:
    rows, columns = shape
    return Box(
        float(strokes[:, 2].min() / columns),
        float(strokes[:, 0].min() / rows),
        float(strokes[:, 3].max() / columns),
        float(strokes[:, 1].max() / rows),
    )
