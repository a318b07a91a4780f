"""The plain image panel: windows and PNG."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import PIL.Image
import pytest

from dashboard.panel import LONGEST_SIDE, Window, panel_png, window_limits, windowed


def test_as_rendered_maps_the_full_scale_and_nothing_else():
    pixels = np.array([[0, 257, 32768, 65535]], dtype=np.uint16)
    assert windowed(pixels, window=Window.AS_RENDERED, inverted=False).tolist() == [[0, 1, 128, 255]]
    assert windowed(pixels, window=Window.AS_RENDERED, inverted=True).tolist() == [[255, 254, 127, 0]]


@pytest.mark.parametrize("window", list(Window))
@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((3, 4), np.uint16),  # nothing but black: no division by zero
        np.full((3, 4), 65535, np.uint16),
        np.arange(12, dtype=np.uint16).reshape(3, 4),
        np.zeros((1, 1), np.uint16),
    ],
)
def test_every_window_shows_every_image(pixels, window):
    shown = windowed(pixels, window=window, inverted=False)
    assert shown.shape == pixels.shape
    assert shown.dtype == np.uint8


@pytest.mark.parametrize("window", list(Window))
def test_a_window_never_reverses_the_order_of_grey_values(window):
    pixels = np.arange(0, 65536, 64, dtype=np.uint16).reshape(1, -1)
    steps = np.diff(windowed(pixels, window=window, inverted=False).astype(int))
    assert (steps >= 0).all()


def test_the_lung_window_brightens_and_the_mediastinal_one_darkens():
    pixels = np.linspace(0, 65535, 1000).astype(np.uint16).reshape(20, 50)
    limits = {window: window_limits(pixels, window=window) for window in Window}
    assert limits[Window.LUNGS][1] < limits[Window.AUTO][1]
    assert limits[Window.MEDIASTINUM][0] > limits[Window.AUTO][0]


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((40, 30), (30, 40)),  # small stays as it is; PNG size is (columns, rows)
        ((2560, 1280), (640, LONGEST_SIDE)),  # twice too high
        ((100, 2560), (LONGEST_SIDE, 50)),
    ],
)
def test_the_png_keeps_the_aspect_and_the_limit(shape, size):
    png = panel_png(np.zeros(shape, np.uint16), window=Window.AS_RENDERED, inverted=False)
    with PIL.Image.open(BytesIO(png)) as picture:
        assert (picture.size, picture.mode) == (size, "L")
        assert not picture.info  # no text travels with the picture
