"""The phantom's picture: determinism, plausible lungs, the geometry of frame and strokes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.phantom.detector import enlarged
from cases.phantom.frame import SIDE_MM, Frame
from cases.phantom.strokes import Stroke, path_length
from cases.phantom.thorax import Thorax, expose_thorax, project_thorax, render_thorax

SEEDS = (0, 1, 2, 11)


@pytest.fixture(scope="module")
def thoraxes() -> tuple[Thorax, ...]:
    return tuple(render_thorax(seed=seed, side_px=256) for seed in SEEDS)


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others(thoraxes: tuple[Thorax, ...]) -> None:
    again = render_thorax(seed=SEEDS[0], side_px=256)
    assert np.array_equal(again.pixels, thoraxes[0].pixels)
    assert np.array_equal(again.lung_mask.right, thoraxes[0].lung_mask.right)
    assert np.abs(thoraxes[1].pixels - thoraxes[0].pixels).mean() > 0.02


def test_pixels_are_display_values(thoraxes: tuple[Thorax, ...]) -> None:
    for thorax in thoraxes:
        assert thorax.pixels.shape == (256, 256)
        assert thorax.pixels.dtype == np.float32
        assert np.isfinite(thorax.pixels).all()
        assert 0.0 <= thorax.pixels.min() < 0.1
        assert 0.8 < thorax.pixels.max() <= 1.0
        assert thorax.side_mm == 375.0


def test_lungs_are_two_large_dark_regions_on_their_own_sides(thoraxes: tuple[Thorax, ...]) -> None:
    for thorax in thoraxes:
        masks = thorax.lung_mask
        right_column = np.nonzero(masks.right)[1].mean()
        left_column = np.nonzero(masks.left)[1].mean()
        assert right_column < 128 < left_column  # image left is the patient's right
        for lung in (masks.right, masks.left):
            assert 0.06 < lung.mean() < 0.22
        assert not (masks.right & masks.left).any()
        assert not (masks.both & masks.behind_heart).any()
        middle = thorax.pixels[100:200, int(right_column + left_column) // 2]
        assert np.median(thorax.pixels[masks.both]) < np.median(middle) - 0.15  # darker than the mediastinum


def test_resolutions_show_the_same_body() -> None:
    """The 512 px picture averaged down is the 256 px one, but for noise and blur."""
    fine = project_thorax(seed=3, side_px=512).attenuation.reshape(256, 2, 256, 2).mean(axis=(1, 3))
    coarse = project_thorax(seed=3, side_px=256).attenuation
    assert np.percentile(np.abs(fine - coarse), 95) < 0.015  # half a pixel of shift in the strokes gives 0.021


def test_sex_can_be_asked_for() -> None:
    assert project_thorax(seed=5, side_px=64, sex="F").plan.female
    assert not project_thorax(seed=5, side_px=64, sex="M").plan.female


def test_the_picture_is_the_projection_exposed() -> None:
    pixels = expose_thorax(project_thorax(seed=4, side_px=128)).pixels
    assert np.array_equal(pixels, render_thorax(seed=4, side_px=128).pixels)


@given(st.floats(-0.1, 0.1), st.floats(0.8, 1.3), st.floats(-30, 30), st.floats(-30, 30), st.integers(16, 64))
@settings(max_examples=30, deadline=None)
def test_to_pixels_is_the_inverse_of_the_grid(turn: float, scale: float, x: float, y: float, side: int) -> None:
    frame = Frame(side, turn, scale, x, y)
    grid_x, grid_y = frame.grid()
    columns, rows = frame.to_pixels(grid_x.astype(np.float64), grid_y.astype(np.float64))
    assert np.allclose(columns, np.arange(side)[None, :], atol=2e-3)
    assert np.allclose(rows, np.arange(side)[:, None], atol=2e-3)


@pytest.mark.parametrize(
    ("hollow", "expected"),
    [
        (0.0, 20.0),  # solid: the chord through the axis is the diameter
        (0.5, 10.0),  # hollow: both walls, (10 - 5) * 2
        (-1.0, 20.0),  # soft: same height as the solid one
    ],
)
def test_a_tube_has_the_chord_length_of_its_cross_section(hollow: float, expected: float) -> None:
    line = np.linspace(-150, 150, 6001)
    stroke = Stroke(line, np.zeros_like(line), np.full_like(line, 0.05), 10.0, hollow=hollow)
    plane = path_length((stroke,), Frame(256))
    assert plane[127:129, 128].mean() == pytest.approx(expected, rel=0.06)
    away = round(15 * 256 / SIDE_MM)
    assert plane[128 + away, 128] < 0.15 * expected


def test_chord_length_falls_with_distance_from_the_axis() -> None:
    """At d = 6 mm from the axis of a tube with R = 10 mm the chord is 16 mm (3-4-5 triangle)."""
    line = np.linspace(-150, 150, 6001)
    plane = path_length((Stroke(line, np.full_like(line, 0.0), np.full_like(line, 0.05), 10.0),), Frame(512))
    rows = (np.arange(512) + 0.5) / 512 * SIDE_MM - SIDE_MM / 2
    row = int(np.argmin(np.abs(rows - 6.0)))
    assert plane[row, 256] == pytest.approx(2 * np.sqrt(100 - rows[row] ** 2), rel=0.06)


def test_enlarging_keeps_a_linear_slope() -> None:
    small = np.broadcast_to(np.arange(8, dtype=np.float32), (8, 8)).copy()
    large = enlarged(small, 64)
    assert large[0, 32] == pytest.approx(32.5 / 8 - 0.5)
    assert large.shape == (64, 64)
