"""Placements: every way into a model's input has an exact way back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grounding.box import Box
from grounding.placement import Placement, center_crop, letterbox, squash

SIZE = st.integers(16, 4096)
SIDE = st.integers(16, 1024)


def corners(box: Box | None) -> tuple[float, float, float, float]:
    assert box is not None
    return (box.x_min, box.y_min, box.x_max, box.y_max)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x_min, x_max = sorted(draw(st.lists(st.integers(0, 100), min_size=2, max_size=2, unique=True)))
    y_min, y_max = sorted(draw(st.lists(st.integers(0, 100), min_size=2, max_size=2, unique=True)))
    return Box(x_min / 100, y_min / 100, x_max / 100, y_max / 100)


@given(boxes(), SIZE, SIZE, SIDE)
def test_letterbox_loses_nothing(box: Box, columns: int, rows: int, side: int):
    placement = letterbox(columns, rows, side=side)
    assert corners(placement.to_original(*placement.to_input(box))) == pytest.approx(corners(box), abs=1e-9)
    assert corners(placement.seen) == pytest.approx((0, 0, 1, 1), abs=1e-9)


@given(boxes(), SIZE, SIZE, SIDE, SIDE)
def test_squash_loses_nothing(box: Box, columns: int, rows: int, wide: int, high: int):
    placement = squash(columns, rows, input_columns=wide, input_rows=high)
    assert corners(placement.to_original(*placement.to_input(box))) == pytest.approx(corners(box), abs=1e-9)


@given(boxes(), SIZE, SIZE, SIDE)
def test_a_crop_keeps_places_and_states_what_it_saw(box: Box, columns: int, rows: int, side: int):
    placement = center_crop(columns, rows, side=side)
    assert corners(placement.to_original(*placement.to_input(box))) == pytest.approx(corners(box), abs=1e-9)
    seen = placement.seen
    short, long = sorted((columns, rows))
    assert seen.area == pytest.approx(short / long)
    assert seen.center == pytest.approx((0.5, 0.5))


@given(boxes(), SIZE, SIZE, SIDE)
def test_mirroring_commutes_with_a_letterbox(box: Box, columns: int, rows: int, side: int):
    placement = letterbox(columns, rows, side=side)
    x_min, y_min, x_max, y_max = placement.to_input(box)
    mirrored = placement.to_original(side - x_max, y_min, side - x_min, y_max)
    assert corners(mirrored) == pytest.approx(corners(box.mirrored()), abs=1e-9)


def test_by_hand():
    placement = letterbox(3000, 2000, side=320)  # scale 320 / 3000; 320 - 213.33 = 106.67 of padding, half on top
    assert placement.to_input(Box(0.5, 0.5, 1.0, 1.0)) == pytest.approx((160, 160, 320, 160 + 106.6667), abs=1e-3)
    assert placement.to_original(0, 0, 320, 50) is None  # all of it is padding
    assert corners(center_crop(200, 100, side=50).seen) == (0.25, 0.0, 0.75, 1.0)


@pytest.mark.parametrize(
    "numbers",
    [
        (0, 10, 10, 10, 1.0, 1.0),  # no columns
        (10, 10, 10, 0, 1.0, 1.0),
        (10, 10, 10, 10, 0.0, 1.0),  # no inverse
        (10, 10, 10, 10, 1.0, -1.0),
        (10, 10, 10, 10, float("nan"), 1.0),
    ],
)
def test_what_has_no_inverse_is_refused(numbers: tuple[int, int, int, int, float, float]):
    with pytest.raises(ValueError, match=r"at least one pixel|positive scales"):
        Placement(*numbers, 0.0, 0.0)


def test_a_model_that_saw_nothing_says_so():
    with pytest.raises(ValueError, match="saw no part"):
        _ = Placement(10, 10, 10, 10, 1.0, 1.0, 100.0, 0.0).seen
