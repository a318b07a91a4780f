"""The plain image panel: a rendered radiograph, windowed on the server, as a PNG for the browser.

It is not the viewer of a workstation: 8 bits leave the server, at most 1280 pixels a side. Pixels arrive as
`cases.images` keeps them: uint16 after modality LUT, VOI LUT and presentation, so 0 is black and 65535 white.
"""

from __future__ import annotations

from enum import StrEnum
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from dashboard.heat import OPACITY, heated
from grounding.heatmap import Heatmap

LONGEST_SIDE = 1280
FULL_SCALE = 65535.0


class Window(StrEnum):
    """The window presets; they brighten or stretch what is there, and change nothing in the store."""

    AS_RENDERED = "As rendered"
    AUTO = "Auto"
    LUNGS = "Lungs"
    MEDIASTINUM = "Mediastinum"


# Quantiles of the image's own grey values that become black and white.
QUANTILES = {Window.AUTO: (0.01, 0.995), Window.LUNGS: (0.02, 0.75), Window.MEDIASTINUM: (0.35, 1.0)}


def window_limits(pixels: NDArray[np.uint16], *, window: Window) -> tuple[float, float]:
    """The grey values (0 to 65535) that the window shows as black and as white.

    >>> window_limits(np.array([[0, 65535]], dtype=np.uint16), window=Window.AS_RENDERED)
    (0.0, 65535.0)
    """
    if window is Window.AS_RENDERED:
        return 0.0, FULL_SCALE
    low, high = np.quantile(pixels, QUANTILES[window])
    return float(low), float(max(high, low + 1.0))


def windowed(pixels: NDArray[np.uint16], *, window: Window, inverted: bool) -> NDArray[np.uint8]:
    """Grey values 0 to 255, shape (rows, columns), rounded half up; what lies outside the window is clipped.

    >>> windowed(np.array([[0, 65535]], dtype=np.uint16), window=Window.AS_RENDERED, inverted=True).tolist()
    [[255, 0]]
    """
    low, high = window_limits(pixels, window=window)
    grey = np.clip((pixels.astype(np.float32) - low) / (high - low), 0.0, 1.0)
    grey = 1.0 - grey if inverted else grey
    shown: NDArray[np.uint8] = np.floor(grey * 255.0 + 0.5).astype(np.uint8)
    return shown


def panel_png(pixels: NDArray[np.uint16], *, window: Window, inverted: bool) -> bytes:
    """The image as a PNG of at most 1280 pixels a side, aspect ratio kept.

    Args:
        pixels: shape (rows, columns), uint16.
        window: which preset.
        inverted: black for white.
    """
    return _png(_shown(pixels, window=window, inverted=inverted))


def heat_png(
    pixels: NDArray[np.uint16],
    heatmap: Heatmap,
    *,
    window: Window,
    inverted: bool = False,
    opacity: float = OPACITY,
) -> bytes:
    """The image with a sentence's heatmap over it, as `panel_png` would show it, in colour.

    Args:
        pixels: shape (rows, columns), uint16.
        heatmap: over the whole of that image; what the model never saw is hatched.
        window: which preset.
        inverted: black for white, of the image alone.
        opacity: of the largest weight, 0 to 1.

    Raises:
        ValueError: the opacity is outside 0 to 1.
    """
    grey = np.asarray(_shown(pixels, window=window, inverted=inverted))
    return _png(Picture.fromarray(heated(grey, heatmap, opacity=opacity)))


def _shown(pixels: NDArray[np.uint16], *, window: Window, inverted: bool) -> Picture.Image:
    """The windowed picture at the size that leaves the server."""
    picture = Picture.fromarray(windowed(pixels, window=window, inverted=inverted))
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Picture.Resampling.LANCZOS)
    return picture


def _png(picture: Picture.Image) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format="PNG", compress_level=4)
    return buffer.getvalue()
