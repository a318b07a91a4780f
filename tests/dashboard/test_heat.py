"""The heatmap over the picture: warm where the weight is, hatched where nothing was seen, grey elsewhere."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import PIL.Image
import pytest

from dashboard.heat import HATCH_PERIOD_PX, HATCH_WIDTH_PX, heated
from dashboard.panel import LONGEST_SIDE, Window, heat_png, panel_png
from grounding.heatmap import Heatmap

GREY = np.arange(24 * 24, dtype=np.uint8).reshape(24, 24)


def test_no_weight_leaves_every_grey_value_as_it_was():
    """A map of what speaks against the sentence only, and one of nothing: neither draws."""
    for values in ((0.0, 0.0), (-1.0, -2.0)):
        made = heated(GREY, Heatmap("m", 1, 2, values), opacity=1.0)
        assert np.array_equal(made, np.repeat(GREY[:, :, None], 3, axis=2))


def test_the_heat_lies_where_the_weight_is():
    made = heated(GREY, Heatmap("m", 2, 2, (0.0, 5.0, 0.0, 0.0)), opacity=0.5).astype(int)
    red = made[:, :, 0] - GREY
    assert (red[0, 23], red[23, 0]) == (round((255 - GREY[0, 23]) / 2), 0)
    assert made[0, 23].tolist() == [139, 87, 12]  # half of grey 23 and half of (255, 150, 0), rounded half up


def test_only_what_was_never_seen_is_hatched():
    made = heated(GREY, Heatmap("m", 1, 2, (0.0, None)), opacity=0.0)
    changed = (made != GREY[:, :, None]).any(axis=2)
    assert not changed[:, :12].any()
    assert changed[:, 12:].mean() == pytest.approx(HATCH_WIDTH_PX / HATCH_PERIOD_PX, abs=0.01)


@pytest.mark.parametrize("opacity", [-0.1, 1.1, float("nan")])
def test_an_opacity_that_is_no_share_is_refused(opacity):
    with pytest.raises(ValueError, match="share from 0 to 1"):
        heated(GREY, Heatmap("m", 1, 1, (1.0,)), opacity=opacity)


def test_the_png_is_the_panel_s_picture_in_colour():
    """Same windowing, same size; without opacity the same grey."""
    pixels = np.random.default_rng(0).integers(0, 65536, (LONGEST_SIDE + 200, 400)).astype(np.uint16)
    heatmap = Heatmap("m", 2, 1, (1.0, 0.0))
    made, plain = (
        PIL.Image.open(BytesIO(png))
        for png in (
            heat_png(pixels, heatmap, window=Window.LUNGS, inverted=True, opacity=0.0),
            panel_png(pixels, window=Window.LUNGS, inverted=True),
        )
    )
    assert (made.mode, made.size) == ("RGB", plain.size)
    assert np.array_equal(np.asarray(made)[:, :, 1], np.asarray(plain))
    assert heat_png(pixels, heatmap, window=Window.LUNGS) != heat_png(pixels, heatmap, window=Window.LUNGS, opacity=0.1)
