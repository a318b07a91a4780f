"""From a rendered radiograph to what a model sees, with the exact map back.

A fit says where the radiograph goes (`fitted`), and the pixels follow from it (`laid_in`): scaled, antialiased
(Pillow's triangle filter, whose support grows with the reduction), amid black where the input is larger than the image.
What a crop leaves out, the `Placement` states. This is not rendering: look-up tables and presentation were applied
once, in `cases`.
"""

from __future__ import annotations

import math
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from grounding.placement import Placement, center_crop, letterbox, squash
from vlm.families import Fit

DISPLAY_MAX = 65535  # rendered pixels span the whole of uint16
INPUT_MAX = 255
LONGEST = 200  # times as long as wide: the limit of Qwen's own processor
TOKENS = MappingProxyType(  # per fit: the side of a token, and the fewest and most pixels of an input
    {
        # Qwen2.5-VL, preprocessor_config.json as published: patch_size 14, merge_size 2, min_pixels 3136 (4 tokens),
        # max_pixels 12845056 (16384 tokens), the range that its README names as the default. transformers' class alone,
        # without that file, would take 28 * 28 * 1280 = 1003520 at most.
        Fit.RESIZED_28: (28, 3_136, 12_845_056),
        # Qwen3-VL, preprocessor_config.json as published: patch_size 16, merge_size 2, size.shortest_edge 65536 (64
        # tokens), size.longest_edge 16777216 (16384 tokens); both edges are numbers of pixels, not lengths.
        # Sources: Qwen/Qwen2.5-VL-7B-Instruct and Qwen/Qwen3-VL-8B-Instruct, quoted in mlx-vlm issue 1175 and in
        # QwenLM/Qwen3-VL issue 1836; transformers 5.23, `Qwen2VLImageProcessorPil`.
        Fit.RESIZED_32: (32, 65_536, 16_777_216),
    }
)


def model_input(
    pixels: NDArray[np.uint16], *, side: int, fit: Fit = Fit.LETTERBOX
) -> tuple[NDArray[np.uint8], Placement]:
    """The model's input and where the radiograph lies in it.

    Args:
        pixels: (rows, columns) uint16, rendered, 0 black to 65535 white.
        side: of the square input, pixels; see `fitted`.
        fit: of the model's family.

    Returns:
        (input_rows, input_columns) uint8, and the `Placement` that says where each original pixel went, to a fraction
        of a pixel.

    Raises:
        ValueError: the array is not a rendered radiograph, or the side is not positive.

    >>> image, placement = model_input(np.full((100, 200), 65535, np.uint16), side=10)
    >>> image[:, 5].tolist()
    [0, 0, 128, 255, 255, 255, 255, 128, 0, 0]
    >>> placement.offset_y
    2.5
    """
    _refuse_unrendered(pixels)
    rows, columns = pixels.shape
    placement = fitted(columns, rows, fit=fit, side=side)
    return laid_in(pixels, placement), placement


def fitted(columns: int, rows: int, *, fit: Fit, side: int) -> Placement:
    """Where a radiograph lies in a model's input.

    Args:
        columns: of the radiograph, pixels.
        rows: of the radiograph, pixels.
        fit: of the model's family.
        side: of the square input, pixels; for a fit that only resizes, the longest side.

    Raises:
        ValueError: the side is not positive, or the image is too long and thin for a fit that only resizes.

    >>> placement = fitted(2048, 2500, fit=Fit.RESIZED_28, side=1008)
    >>> placement.input_columns, placement.input_rows
    (812, 1008)
    """
    if side < 1:
        msg = f"the model input has at least one pixel on each axis: side={side}"
        raise ValueError(msg)
    if fit is Fit.LETTERBOX:
        return letterbox(columns, rows, side=side)
    if fit is Fit.CENTER_CROP:
        return center_crop(columns, rows, side=side)
    input_columns, input_rows = _whole_tokens(columns, rows, side=side, fit=fit)
    return squash(columns, rows, input_columns=input_columns, input_rows=input_rows)


def laid_in(pixels: NDArray[np.uint16], placement: Placement) -> NDArray[np.uint8]:
    """The pixels where a placement puts them: (input_rows, input_columns) uint8, black where the image is not.

    Args:
        pixels: (rows, columns) uint16, rendered, 0 black to 65535 white.
        placement: of an image of that size.

    Raises:
        ValueError: the array is not a rendered radiograph, or the placement is of an image of another size.

    >>> laid_in(np.full((100, 200), 65535, np.uint16), fitted(200, 100, fit=Fit.CENTER_CROP, side=2)).tolist()
    [[255, 255], [255, 255]]
    """
    _refuse_unrendered(pixels)
    if pixels.shape != (placement.rows, placement.columns):
        msg = f"the placement is of an image {(placement.rows, placement.columns)}, the pixels are {pixels.shape}"
        raise ValueError(msg)
    canvas, region = _region(pixels, placement)
    size = (placement.input_columns, placement.input_rows)
    resized = Image.fromarray(canvas).resize(size, Image.Resampling.BILINEAR, box=region)
    levels = np.rint(np.asarray(resized, dtype=np.float64) * (INPUT_MAX / DISPLAY_MAX))
    return np.clip(levels, 0, INPUT_MAX).astype(np.uint8)


def _whole_tokens(columns: int, rows: int, *, side: int, fit: Fit) -> tuple[int, int]:
    """Columns and rows of an input of whole tokens that keeps the image's shape as nearly as they allow.

    The rule is Qwen's own, which a server applies again: it must find nothing left to resize, which holds as long as
    the server keeps the published limits of `TOKENS`. One that was started with fewer pixels (1003520, say, which
    Qwen's README recommends against cost) resizes again, and Qwen2.5-VL's numbers, pixels of what it was shown, then
    mean another frame: the coordinate self-test is what finds out. Source: transformers, `smart_resize` of qwen2_vl.
    """
    step, least, most = TOKENS[fit]
    if max(columns, rows) > LONGEST * min(columns, rows):
        msg = f"an image of {columns} x {rows} is over {LONGEST} times as long as wide: no model of this fit takes it"
        raise ValueError(msg)
    scale = max(step, side // step * step) / max(columns, rows)
    lengths = (columns * scale, rows * scale)
    area = lengths[0] * lengths[1]
    sides = [max(step, round(length / step) * step) for length in lengths]
    if sides[0] * sides[1] > most:
        sides = [max(step, math.floor(length * math.sqrt(most / area) / step) * step) for length in lengths]
    elif sides[0] * sides[1] < least:
        sides = [math.ceil(length * math.sqrt(least / area) / step) * step for length in lengths]
    return sides[0], sides[1]


def _refuse_unrendered(pixels: NDArray[np.uint16]) -> None:
    if pixels.dtype != np.uint16 or pixels.ndim != 2 or 0 in pixels.shape:
        msg = (
            f"a rendered radiograph is a uint16 array (rows, columns), not {pixels.dtype} {pixels.shape}: "
            "render it with cases.dicom first"
        )
        raise ValueError(msg)


def _region(
    pixels: NDArray[np.uint16], placement: Placement
) -> tuple[NDArray[np.float32], tuple[float, float, float, float]]:
    """The image amid as much black as the input shows, and the rectangle of it (left, top, right, bottom) to resize.

    Whole pixels are padded; where the input begins within one, so does the rectangle.
    """
    left, right = _span(placement.offset_x, placement.scale_x, placement.input_columns)
    top, bottom = _span(placement.offset_y, placement.scale_y, placement.input_rows)
    before, above = max(0, math.ceil(-left)), max(0, math.ceil(-top))
    after, below = (max(0, math.ceil(right - placement.columns)), max(0, math.ceil(bottom - placement.rows)))
    canvas = np.zeros((above + placement.rows + below, before + placement.columns + after), np.float32)
    canvas[above : above + placement.rows, before : before + placement.columns] = pixels
    return canvas, (left + before, top + above, right + before, bottom + above)


def _span(offset: float, scale: float, length: int) -> tuple[float, float]:
    """The stretch of an axis, in original pixels, that the input shows; a millionth of a pixel is rounding error."""
    return round(-offset / scale, 6), round((length - offset) / scale, 6)
