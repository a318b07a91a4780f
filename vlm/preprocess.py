"""From a rendered radiograph to the square that a model sees, with the exact map back.

The long side is scaled to the input, the shape is kept and the short side is padded with black on both ends, so nothing
is cropped away. Resampling is antialiased (Pillow's triangle filter, whose support grows with the reduction). This is
not rendering: look-up tables and presentation were applied once, in `cases`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from grounding.placement import Placement, letterbox

DISPLAY_MAX = 65535  # rendered pixels span the whole of uint16
INPUT_MAX = 255


def model_input(pixels: NDArray[np.uint16], *, side: int) -> tuple[NDArray[np.uint8], Placement]:
    """The model's input and where the radiograph lies in it.

    Args:
        pixels: (rows, columns) uint16, rendered, 0 black to 65535 white.
        side: of the square input, pixels.

    Returns:
        (side, side) uint8, and the `Placement` that says where each original pixel went, to a fraction of a pixel.

    Raises:
        ValueError: the array is not a rendered radiograph, or the side is not positive.

    >>> image, placement = model_input(np.full((100, 200), 65535, np.uint16), side=10)
    >>> image[:, 5].tolist()
    [0, 0, 128, 255, 255, 255, 255, 128, 0, 0]
    >>> placement.offset_y
    2.5
    """
    _refuse_unrendered(pixels, side)
    rows, columns = pixels.shape
    square, region = _padded_to_square(pixels)
    resized = Image.fromarray(square).resize((side, side), Image.Resampling.BILINEAR, box=region)
    levels = np.rint(np.asarray(resized, dtype=np.float64) * (INPUT_MAX / DISPLAY_MAX))
    return np.clip(levels, 0, INPUT_MAX).astype(np.uint8), letterbox(columns, rows, side=side)


def _refuse_unrendered(pixels: NDArray[np.uint16], side: int) -> None:
    if pixels.dtype != np.uint16 or pixels.ndim != 2 or 0 in pixels.shape:
        msg = (
            f"a rendered radiograph is a uint16 array (rows, columns), not {pixels.dtype} {pixels.shape}: "
            "render it with cases.dicom first"
        )
        raise ValueError(msg)
    if side < 1:
        msg = f"the model input has at least one pixel on each axis: side={side}"
        raise ValueError(msg)


def _padded_to_square(pixels: NDArray[np.uint16]) -> tuple[NDArray[np.float32], tuple[float, float, float, float]]:
    """The image amid black, and the exact square of it (left, top, right, bottom) that becomes the input.

    Whole pixels are padded on both ends; where half of the difference is not whole, the square starts half a pixel in.
    """
    rows, columns = pixels.shape
    long_side = max(rows, columns)
    above, before = (long_side - rows) / 2, (long_side - columns) / 2
    pad_rows, pad_columns = math.ceil(above), math.ceil(before)
    square = np.zeros((rows + 2 * pad_rows, columns + 2 * pad_columns), np.float32)
    square[pad_rows : pad_rows + rows, pad_columns : pad_columns + columns] = pixels
    left, top = pad_columns - before, pad_rows - above
    return square, (left, top, left + long_side, top + long_side)
