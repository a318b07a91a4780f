from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm.preprocess import model_input


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 700),
    columns=st.integers(1, 700),
    side=st.sampled_from([16, 33, 64, 256]),
    place=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_a_bright_target_comes_back_within_one_input_pixel(rows, columns, side, place):
    # The target is at least three input pixels wide, so that its centre of mass says where it is.
    reach = max(1, round(3 * max(rows, columns) / side))
    top, left = int(place[0] * max(0, rows - reach)), int(place[1] * max(0, columns - reach))
    pixels = np.zeros((rows, columns), np.uint16)
    target = (slice(top, top + reach), slice(left, left + reach))
    pixels[target] = 65535
    image, placement = model_input(pixels, side=side)
    lit = image.astype(float)
    assert lit.sum() > 0
    centre_y = (lit.sum(axis=1) @ (np.arange(side) + 0.5)) / lit.sum()
    centre_x = (lit.sum(axis=0) @ (np.arange(side) + 0.5)) / lit.sum()
    true_y = (top + min(top + reach, rows)) / 2
    true_x = (left + min(left + reach, columns)) / 2
    assert abs((centre_y - placement.offset_y) / placement.scale_y - true_y) <= 1 / placement.scale_y
    assert abs((centre_x - placement.offset_x) / placement.scale_x - true_x) <= 1 / placement.scale_x


@pytest.mark.parametrize(
    ("shape", "side", "filled"),
    [
        ((100, 100), 10, (0, 10, 0, 10)),  # square: no padding
        ((100, 200), 10, (2, 8, 0, 10)),  # wide: half a pixel is padding above, half below
        ((201, 100), 10, (0, 10, 2, 8)),  # tall, odd
        ((5, 5), 64, (0, 64, 0, 64)),  # smaller than the input
        ((1, 1), 7, (0, 7, 0, 7)),  # one pixel
        ((1955, 1841), 256, (0, 256, 7, 249)),  # RG1's shape
    ],
)
def test_the_radiograph_fills_what_the_placement_says(shape, side, filled):
    image, placement = model_input(np.full(shape, 65535, np.uint16), side=side)
    top, bottom, left, right = filled
    assert image.shape == (side, side)
    assert image.dtype == np.uint8
    lit_rows, lit_columns = np.nonzero(image.max(axis=1))[0], np.nonzero(image.max(axis=0))[0]
    assert (lit_rows[0], lit_rows[-1] + 1, lit_columns[0], lit_columns[-1] + 1) == filled
    assert image[(top + bottom) // 2, (left + right) // 2] == 255
    assert placement.seen.area == 1.0


def test_a_mirrored_radiograph_gives_the_mirrored_input():
    pixels = np.random.default_rng(3).integers(0, 65536, (301, 240), dtype=np.uint16)
    image, _ = model_input(pixels, side=64)
    mirrored, _ = model_input(np.ascontiguousarray(pixels[:, ::-1]), side=64)
    assert np.abs(image.astype(int) - mirrored[:, ::-1].astype(int)).max() <= 1


def test_fine_stripes_average_out_instead_of_aliasing():
    pixels = np.zeros((640, 640), np.uint16)
    pixels[:, ::2] = 65535
    image, _ = model_input(pixels, side=64)
    assert image[8:-8, 8:-8].min() >= 120
    assert image[8:-8, 8:-8].max() <= 135


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.uint8),  # not rendered to 16 bits
        np.zeros((4, 4), np.float32),  # a float image
        np.zeros((4, 4, 3), np.uint16),  # colour
        np.zeros((0, 4), np.uint16),  # no rows
    ],
)
def test_what_is_not_rendered_is_refused(pixels):
    with pytest.raises(ValueError, match="rendered radiograph is a uint16 array"):
        model_input(pixels, side=8)


def test_a_side_of_zero_is_refused():
    with pytest.raises(ValueError, match="side=0"):
        model_input(np.zeros((4, 4), np.uint16), side=0)
