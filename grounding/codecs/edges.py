"""A rectangle that a model drew on its input, brought to the original image and cut at the image's edge.

Whether to cut, and how far past the edge is still a slip of the pen, is each codec's own decision; that something was
cut is always told, so that a draft can count it.
"""

from __future__ import annotations

import math

from grounding.box import Box
from grounding.placement import Placement

Corners = tuple[float, float, float, float]
Located = tuple[Box, bool]


def ordered(corners: Corners) -> Corners:
    """The corners, when the first is the top left and the second the bottom right.

    Raises:
        ValueError: they are swapped or equal on an axis.
    """
    x_min, y_min, x_max, y_max = corners
    if not (x_min < x_max and y_min < y_max):
        msg = f"the corners of box {corners} are swapped or equal: the first is the top left"
        raise ValueError(msg)
    return corners


def within(corners: Corners, *, least: Corners, most: Corners) -> Corners:
    """The corners, when each lies in its range.

    Raises:
        ValueError: one does not; a number that far out belongs to another frame or another order.
    """
    for value, low, high in zip(corners, least, most, strict=True):
        if not low <= value <= high:
            msg = f"a corner at {value:g} is out of range, {low:g} to {high:g} here: another frame or order was meant"
            raise ValueError(msg)
    return corners


def located(corners: Corners, *, placement: Placement, step: tuple[float, float]) -> Located:
    """The box of the original image, and whether more than a step of it was cut off.

    Args:
        corners: x_min, y_min, x_max, y_max in input pixels, in order.
        placement: how the image was laid into the input.
        step: the codec's finest step on each axis, input pixels; an edge that far past the image is mere rounding.

    Raises:
        ValueError: nothing of the rectangle is on the part of the image that the model saw.

    >>> from grounding.placement import letterbox
    >>> located((-5.0, 10.0, 50.0, 20.0), placement=letterbox(100, 100, side=100), step=(1.0, 1.0))
    (Box(x_min=0.0, y_min=0.1, x_max=0.5, y_max=0.2), True)
    """
    left, top, right, bottom = shown(placement)
    x_min, y_min, x_max, y_max = corners
    inside = (max(x_min, left), max(y_min, top), min(x_max, right), min(y_max, bottom))
    box = placement.to_original(*inside) if inside[0] < inside[2] and inside[1] < inside[3] else None
    if box is None:
        msg = f"box {corners} lies beside the image, in its padding or past its edge: check the placement"
        raise ValueError(msg)
    slack = (*step, *step)
    cut = any(abs(kept - drawn) > room for kept, drawn, room in zip(inside, corners, slack, strict=True))
    return box, cut


def shown(placement: Placement) -> Corners:
    """The rectangle of the input, input pixels, in which the image is seen: without padding, within the crop."""
    return (
        max(0.0, placement.offset_x),
        max(0.0, placement.offset_y),
        min(float(placement.input_columns), placement.offset_x + placement.columns * placement.scale_x),
        min(float(placement.input_rows), placement.offset_y + placement.rows * placement.scale_y),
    )


def drawn(box: Box, *, placement: Placement) -> Corners:
    """The part of a box that the model saw, in input pixels: what a codec's `spell` writes.

    Raises:
        ValueError: the model saw nothing of it (it lies in the margin of a crop).
    """
    left, top, right, bottom = shown(placement)
    x_min, y_min, x_max, y_max = placement.to_input(box)
    seen = (max(x_min, left), max(y_min, top), min(x_max, right), min(y_max, bottom))
    if not (seen[0] < seen[2] and seen[1] < seen[3]):
        msg = f"{box} lies in a margin that the model never saw: it cannot be spelt in its input"
        raise ValueError(msg)
    return seen


def whole_steps(low: float, high: float, *, last: int) -> tuple[int, int]:
    """Two edges, in steps, as different whole numbers from 0 to `last`; a box thinner than a step gets one.

    >>> whole_steps(3.2, 3.4, last=1000), whole_steps(999.8, 1000.0, last=1000)
    ((3, 4), (999, 1000))
    """
    first, second = round(low), round(high)
    if first == second:
        first = min(math.floor(low), last - 1)
        return first, first + 1
    return first, second
