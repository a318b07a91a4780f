"""A heatmap over a grey picture: warmer where the sentence leans more, hatched where the model never saw the image.

One hue whose opacity carries the weight, so that the anatomy stays legible and no colour looks like a finding of its
own; it reads alike in grey print and for colour-blind readers. Not here: what a weight means (`grounding.heatmap`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from grounding.heatmap import Heatmap

WARM: Final = (255, 150, 0)
HATCH: Final = (110, 160, 255)
HATCH_PERIOD_PX: Final = 12
HATCH_WIDTH_PX: Final = 2
HATCH_OPACITY: Final = 0.7
OPACITY: Final = 0.5


def heated(grey: NDArray[np.uint8], heatmap: Heatmap, *, opacity: float = OPACITY) -> NDArray[np.uint8]:
    """The picture with the heatmap over it, shape (rows, columns, 3).

    Args:
        grey: the windowed picture, shape (rows, columns), of the whole original frame.
        heatmap: over the same frame; what speaks against the sentence is not drawn.
        opacity: of the largest weight, 0 to 1; the hatching does not depend on it.

    Raises:
        ValueError: the opacity is outside 0 to 1.

    >>> heated(np.zeros((1, 2), np.uint8), Heatmap("occlusion", 1, 2, (0.0, 2.0)), opacity=1.0)[0].tolist()
    [[0, 0, 0], [255, 150, 0]]
    """
    if not 0.0 <= opacity <= 1.0:
        msg = f"an opacity is a share from 0 to 1, not {opacity}"
        raise ValueError(msg)
    weights = opacity * _resized(np.nan_to_num(heatmap.normalised.array, nan=0.0), grey.shape, smooth=True)
    warm = _blended(np.repeat(grey[:, :, None].astype(np.float64), 3, axis=2), WARM, weights)
    unseen = _resized(np.isnan(heatmap.array).astype(np.float64), grey.shape, smooth=False) > 0.5
    hatched = _blended(warm, HATCH, np.where(unseen & _stripes(grey.shape), HATCH_OPACITY, 0.0))
    return np.floor(hatched + 0.5).astype(np.uint8)


def _resized(grid: NDArray[np.float64], shape: tuple[int, ...], *, smooth: bool) -> NDArray[np.float64]:
    how = Picture.Resampling.BILINEAR if smooth else Picture.Resampling.NEAREST
    resized = Picture.fromarray(grid.astype(np.float32)).resize((shape[1], shape[0]), how)
    return np.clip(np.asarray(resized, dtype=np.float64), 0.0, 1.0)


def _blended(
    below: NDArray[np.float64], colour: tuple[int, int, int], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    blended: NDArray[np.float64] = below + weights[:, :, None] * (np.asarray(colour, dtype=np.float64) - below)
    return blended


def _stripes(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    stripes: NDArray[np.bool_] = (rows + columns) % HATCH_PERIOD_PX < HATCH_WIDTH_PX
    return stripes


__all__ = ["OPACITY", "heated"]
