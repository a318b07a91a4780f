"""Boxes: the algebra that everything downstream relies on."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grounding.box import Box, clipped_box

UNIT = st.floats(0.0, 1.0, allow_nan=False)
STEPS = st.integers(0, 1024)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """Boxes on a grid of 1/1024, whose arithmetic is exact in binary."""
    x_min, x_max = sorted(draw(st.lists(STEPS, min_size=2, max_size=2, unique=True)))
    y_min, y_max = sorted(draw(st.lists(STEPS, min_size=2, max_size=2, unique=True)))
    return Box(x_min / 1024, y_min / 1024, x_max / 1024, y_max / 1024)


@pytest.mark.parametrize(
    "corners",
    [
        (0.5, 0.0, 0.5, 1.0),  # no width
        (0.0, 0.5, 1.0, 0.5),  # no height
        (0.6, 0.0, 0.4, 1.0),  # swapped
        (-0.1, 0.0, 0.5, 1.0),  # left of the image
        (0.0, 0.0, 1.1, 1.0),  # right of it
        (math.nan, 0.0, 0.5, 1.0),
        (0.0, 0.0, math.inf, 1.0),
        (10, 20, 30, 40),  # pixels, not fractions
    ],
)
def test_what_is_no_box_is_refused(corners: tuple[float, float, float, float]):
    with pytest.raises(ValueError, match="not a box inside the image"):
        Box(*corners)


@given(boxes(), boxes())
def test_iou_is_symmetric_and_bounded(one: Box, other: Box):
    assert one.iou(other) == other.iou(one)
    assert 0.0 <= one.iou(other) <= 1.0


@given(boxes())
def test_iou_with_itself_is_one(box: Box):
    assert box.iou(box) == 1.0


@given(boxes(), boxes())
def test_iou_agrees_with_counting_pixels(one: Box, other: Box):
    """Counted on the 1024-grid itself: an independent way to the same number."""
    a, b = ([round(v * 1024) for v in (box.x_min, box.y_min, box.x_max, box.y_max)] for box in (one, other))
    columns = len(set(range(a[0], a[2])) & set(range(b[0], b[2])))
    rows = len(set(range(a[1], a[3])) & set(range(b[1], b[3])))
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    assert one.iou(other) == pytest.approx(columns * rows / (sum(areas) - columns * rows))


@given(boxes())
def test_mirrored_twice_is_the_same_box(box: Box):
    assert box.mirrored().mirrored() == box
    assert box.mirrored().area == box.area


@given(boxes(), boxes())
def test_mirroring_both_keeps_the_iou(one: Box, other: Box):
    assert one.mirrored().iou(other.mirrored()) == pytest.approx(one.iou(other))


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(-2, 2), st.floats(-2, 2))
def test_clipping_gives_a_box_inside_or_none(x_min: float, y_min: float, x_max: float, y_max: float):
    box = clipped_box(x_min, y_min, x_max, y_max)
    if box is not None:
        assert box.x_min >= x_min or box.x_min == 0.0
        assert box.contains(*box.center)


@given(boxes(), st.integers(1, 4096), st.integers(1, 4096))
def test_scoord_divided_by_the_size_is_the_box(box: Box, columns: int, rows: int):
    x_min, y_min, x_max, y_max = box.scoord(columns, rows)
    assert (x_min / columns, y_min / rows, x_max / columns, y_max / rows) == pytest.approx(
        (box.x_min, box.y_min, box.x_max, box.y_max)
    )


def test_mirroring_by_hand():
    assert Box(0.25, 0.5, 0.375, 1.0).mirrored() == Box(0.625, 0.5, 0.75, 1.0)


def test_area_by_hand():
    assert Box(0.25, 0.5, 0.75, 1.0).area == 0.25
    assert Box(0.0, 0.0, 0.5, 0.5).iou(Box(0.25, 0.25, 0.75, 0.75)) == pytest.approx(1 / 7)
    assert Box(0.0, 0.0, 0.5, 0.5).iou(Box(0.5, 0.0, 1.0, 0.5)) == 0.0  # they share an edge, not an area
