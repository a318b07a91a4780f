"""Which drafted box found which lesion.

Hit rule: the box's centre lies in the lesion's truth box, which is grown to at least 20 px of a 1024 px image side on
each axis. It is the rectangle's form of LUNA16's rule (a candidate hits when it lies within the nodule's radius of the
nodule's centre; luna16.grand-challenge.org/Evaluation), and the pointing rule of FROC studies. IoU is no part of it: a
reader needs to be pointed at the place, and IoU punishes a 10 mm nodule for two pixels.

One box finds at most one lesion and the reverse; boxes are taken by falling score. Stricter than LUNA16, a second box
on a lesion that was already found is a false one: the reader has to look at it too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from grounding.box import Box

HIT_RULE = "box centre inside the truth box, grown to at least 20 px of 1024 on each axis; one box a lesion"
REFERENCE_SIDE = 1024.0
LEAST_PX = 20.0
IMAGE_CENTRE = (0.5, 0.5)


@dataclass(frozen=True, slots=True)
class Match:
    """How one image's boxes met its lesions.

    Attributes:
        found_by: of each lesion, the index of the box that found it, None when missed.
        finds: of each box, the index of the lesion it found, None for a false box.
    """

    found_by: tuple[int | None, ...]
    finds: tuple[int | None, ...]


Point = tuple[float, float]


def half_extent(lesion: Box, *, columns: int, rows: int) -> tuple[float, float]:
    """Half width and half height of the truth box once grown to the least size, normalized."""
    long_side = max(columns, rows)
    least_width = LEAST_PX / REFERENCE_SIDE * long_side / columns
    least_height = LEAST_PX / REFERENCE_SIDE * long_side / rows
    return (max(lesion.width, least_width) / 2, max(lesion.height, least_height) / 2)


def points_at(point: Point, lesion: Box, *, columns: int, rows: int) -> bool:
    """Whether a point of the image (normalized) hits the lesion under the hit rule.

    >>> points_at((0.5, 0.5), Box(0.40, 0.40, 0.49, 0.60), columns=1024, rows=1024)
    False
    >>> points_at((0.505, 0.5), Box(0.499, 0.499, 0.501, 0.501), columns=1024, rows=1024)
    True
    """
    x, y = lesion.center
    half_width, half_height = half_extent(lesion, columns=columns, rows=rows)
    return abs(point[0] - x) <= half_width and abs(point[1] - y) <= half_height


def distance_px_1024(a: Point, b: Point, *, columns: int, rows: int) -> float:
    """Distance of two normalized points in pixels of an image whose long side is 1024.

    >>> distance_px_1024((0.0, 0.0), (0.3, 0.4), columns=500, rows=500)
    512.0
    """
    scale = REFERENCE_SIDE / max(columns, rows)
    return round(math.hypot((a[0] - b[0]) * columns * scale, (a[1] - b[1]) * rows * scale), 9)


def match(
    points: Sequence[Point], lesions: Sequence[Box], *, scores: Sequence[float] | None, columns: int, rows: int
) -> Match:
    """Greedy matching by falling score (by order where there are no scores).

    A box that points at several free lesions takes the one whose centre is nearest. Taking boxes by falling score
    makes the match of any score threshold a part of this one, so one pass serves the whole FROC curve.

    Args:
        points: the centres of the drafted boxes.
        lesions: truth boxes.
        scores: of each box, the model's probability; None where the model gives none.
        columns: width of the image, pixels.
        rows: height of the image, pixels.

    Raises:
        ValueError: not one score a box.
    """
    if scores is not None and len(scores) != len(points):
        msg = f"one score a box: {len(scores)} scores, {len(points)} boxes"
        raise ValueError(msg)
    order = range(len(points)) if scores is None else sorted(range(len(points)), key=lambda i: -scores[i])
    found_by: list[int | None] = [None] * len(lesions)
    finds: list[int | None] = [None] * len(points)
    for box in order:
        free = [
            (distance_px_1024(points[box], lesion.center, columns=columns, rows=rows), index)
            for index, lesion in enumerate(lesions)
            if found_by[index] is None and points_at(points[box], lesion, columns=columns, rows=rows)
        ]
        if free:
            nearest = min(free)[1]
            found_by[nearest], finds[box] = box, nearest
    return Match(tuple(found_by), tuple(finds))


def deviations_px_1024(
    points: Sequence[Point], lesions: Sequence[Box], *, columns: int, rows: int
) -> tuple[float, ...]:
    """Of each lesion, the distance to the nearest point, or to the image centre where there is no point.

    >>> deviations_px_1024([], [Box(0.5, 0.25, 1.0, 0.75)], columns=100, rows=100)
    (256.0,)
    """
    return tuple(
        min(distance_px_1024(p, lesion.center, columns=columns, rows=rows) for p in (points or [IMAGE_CENTRE]))
        for lesion in lesions
    )
