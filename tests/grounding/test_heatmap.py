"""Heatmaps: a place of the model's input is the same place of the original, whatever the shape of the image."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grounding.heatmap import CELLS, Heatmap, drawn_on_original, grid_shape, heatmap_of, on_original
from grounding.placement import Placement, center_crop, letterbox, squash


@st.composite
def placements(draw: st.DrawFn) -> Placement:
    """Every way into a model, for images up to two and a half times as long as wide."""
    short = draw(st.integers(200, 2000))
    long = round(short * draw(st.floats(1.0, 2.5)))
    columns, rows = draw(st.sampled_from([(short, long), (long, short)]))
    side = draw(st.sampled_from([224, 320, 518]))
    kind = draw(st.sampled_from([letterbox, center_crop]))
    if draw(st.booleans()):
        return squash(columns, rows, input_columns=side, input_rows=draw(st.sampled_from([224, 448])))
    return kind(columns, rows, side=side)


@given(placements(), st.integers(3, 12), st.data())
def test_a_peak_of_the_input_is_the_same_place_of_the_original(placement: Placement, side: int, data: st.DataObject):
    row, column = (data.draw(st.integers(0, side - 1)) for _ in range(2))
    x = ((column + 0.5) / side * placement.input_columns - placement.offset_x) / placement.scale_x / placement.columns
    y = ((row + 0.5) / side * placement.input_rows - placement.offset_y) / placement.scale_y / placement.rows
    if not (0 <= x < 1 and 0 <= y < 1):
        return  # in the padding
    grid = np.zeros((side, side))
    grid[row, column] = 1.0
    heatmap = on_original(grid, placement=placement, method="one cell")
    assert heatmap.peak is not None
    wide = placement.input_columns / side / placement.scale_x / placement.columns  # one cell of the input
    high = placement.input_rows / side / placement.scale_y / placement.rows
    assert abs(heatmap.peak[0] - x) <= off_by(column, side, wide, 1.0 / heatmap.columns)
    assert abs(heatmap.peak[1] - y) <= off_by(row, side, high, 1.0 / heatmap.rows)


def off_by(place: int, side: int, cell: float, step: float) -> float:
    """Half a cell of the input at its edge, beyond whose centre nothing is known; else one step of the heatmap."""
    return max(step, cell / 2) if place in (0, side - 1) else step


@given(placements())
def test_what_the_model_never_saw_is_none_and_nothing_else_is(placement: Placement):
    heatmap = on_original(np.ones((5, 5)), placement=placement, method="ones")
    seen = placement.seen
    for index, value in enumerate(heatmap.values):
        row, column = divmod(index, heatmap.columns)
        x, y = (column + 0.5) / heatmap.columns, (row + 0.5) / heatmap.rows
        if min(abs(x - seen.x_min), abs(x - seen.x_max), abs(y - seen.y_min), abs(y - seen.y_max)) < 1e-6:
            continue  # on the very edge
        assert value == (pytest.approx(1.0) if seen.contains(x, y) else None)


def test_the_margin_of_a_crop_is_a_quarter_on_each_end():
    heatmap = on_original(np.ones((2, 2)), placement=center_crop(200, 100, side=50), method="ones")
    assert (heatmap.rows, heatmap.columns) == (CELLS // 2, CELLS)
    assert np.isnan(heatmap.array).sum(axis=1).tolist() == [CELLS // 2] * (CELLS // 2)
    assert heatmap.seen_share == 0.5


def test_between_two_centres_the_weight_is_in_between():
    """Two cells over four: by hand, at a quarter and three quarters of the way between the centres."""
    heatmap = on_original(np.array([[0.0, 4.0]]), placement=letterbox(4, 4, side=4), method="m", cells=4)
    assert heatmap.array[0].tolist() == [0.0, 1.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("rows", "columns", "values"),
    [
        (0, 1, ()),  # no rows
        (1, 2, (1.0,)),  # too few
        (1, 1, (1.0, 2.0)),  # too many
        (1, 1, (math.inf,)),  # no number
        (1, 1, (math.nan,)),  # not seen is None
    ],
)
def test_what_is_no_map_is_refused(rows, columns, values):
    with pytest.raises(ValueError, match=r"a grid has|a weight is finite"):
        Heatmap("m", rows, columns, values)


def test_an_array_without_two_sides_is_refused():
    with pytest.raises(ValueError, match="rows and columns"):
        heatmap_of(np.zeros(3), method="m")


@pytest.mark.parametrize(
    ("values", "peak"),
    [
        ((None, None, None), None),  # nothing seen
        ((0.0, 0.0, None), None),  # the same everywhere
        ((0.0, 1.0, 0.0), (0.5, 0.5)),
        ((0.0, 1.0, 1.0), (2 / 3, 0.5)),  # between two equals
        ((-3.0, None, -5.0), (1 / 6, 0.5)),  # all against; no neighbour was seen
    ],
)
def test_the_peak(values, peak):
    found = Heatmap("m", 1, 3, values).peak
    assert found is None if peak is None else found == pytest.approx(peak)


@given(st.lists(st.none() | st.floats(-1e6, 1e6), min_size=6, max_size=6))
def test_normalised_runs_from_zero_to_one_and_keeps_the_order(values):
    normal = Heatmap("m", 2, 3, tuple(values)).normalised.values
    assert [one is None for one in normal] == [one is None for one in values]
    given_, made = ([one for one in row if one is not None] for row in (values, normal))
    assert all(0.0 <= one <= 1.0 for one in made)
    assert max(made, default=1.0) == (1.0 if max(given_, default=1.0) > 0 else 0.0)
    pairs = list(zip(given_, made, strict=True))
    assert all(a[1] <= b[1] for a in pairs for b in pairs if a[0] <= b[0])


@pytest.mark.parametrize(
    ("columns", "rows", "shape"),
    [(100, 100, (32, 32)), (2000, 1000, (16, 32)), (10, 1000, (32, 1)), (1, 1, (32, 32))],
)
def test_a_grid_has_nearly_square_cells(columns, rows, shape):
    assert grid_shape(columns, rows) == shape


def test_a_drawn_map_is_drawn_in_the_original_frame():
    heatmap = drawn_on_original(
        lambda x, y: -((x - 0.75) ** 2) - (y - 0.25) ** 2, placement=letterbox(200, 100, side=50), method="dot"
    )
    assert heatmap.peak == pytest.approx((0.75, 0.25), abs=1 / 32)
