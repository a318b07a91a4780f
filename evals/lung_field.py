"""A rough classical estimate of where the lungs are, used only to place evaluation lesions in believable places.

Threshold and morphology with a left-right prior; no learning, no radiologist. It is *not* a segmentation to report,
and no draft ever sees it. Method: the idea of rule-based lung-field extraction in van Ginneken B et al., Med Image
Anal 2006;10:19-40, much simplified: dark against its neighbourhood, inside a generous prior, one blob a side. A side
without a fair blob has none: no lesion is placed there. Looked at (not by a radiologist) on 32 development
radiographs: of 64 sides, 58 followed the lung, 3 were not found, 3 ran on into the neck.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SIDE = 256  # working resolution
FINE, COARSE = 3.0, 45.0  # smoothing scales at that resolution: vessels vanish, chest wall against lung remains
LEAST_DARKER = 0.002  # of the display range: less than this is no difference
CORE_SHARE = 0.35  # a side whose dark blob covers less of its prior than this has no field
# One generous ellipse a side: centre (x, y) and half axes (x, y), as shares of the image; mirrored for the other.
PRIOR_CENTRE, PRIOR_AXES = (0.31, 0.43), (0.17, 0.32)
CORE_SCALE = 0.5
AIR_SHARE = 0.6  # darker than this share of the core's median is air outside the body, not lung

Mask = NDArray[np.bool_]


def lung_field(pixels: NDArray[np.uint16]) -> Mask:
    """Where the lungs are thought to be on a frontal radiograph.

    Args:
        pixels: (rows, columns) uint16, lungs dark.

    Returns:
        (rows, columns) boolean; a side that was not found is empty.
    """
    rows, columns = pixels.shape
    small = _resized(pixels.astype(np.float64) / np.iinfo(np.uint16).max, (SIDE, SIDE))
    dark = _dark(small)
    field = _one_side(dark, mirrored=False) | _one_side(dark, mirrored=True)
    return _resized(field.astype(np.float64), (rows, columns)) > 0.5


def _dark(image: NDArray[np.float64]) -> Mask:
    fine = ndimage.gaussian_filter(image, FINE)
    core = _ellipse(CORE_SCALE, mirrored=False) | _ellipse(CORE_SCALE, mirrored=True)
    air = fine < AIR_SHARE * float(np.median(fine[core]))
    return np.asarray((fine < ndimage.gaussian_filter(image, COARSE) - LEAST_DARKER) & ~air, dtype=bool)


def _one_side(dark: Mask, *, mirrored: bool) -> Mask:
    prior = _ellipse(1.0, mirrored=mirrored)
    candidate = ndimage.binary_opening(dark & prior, iterations=4)
    labels, count = ndimage.label(candidate)
    if count:
        sizes = ndimage.sum_labels(candidate, labels, index=range(1, count + 1))
        blob = labels == 1 + int(np.argmax(sizes))
        filled = ndimage.binary_fill_holes(ndimage.binary_closing(blob, iterations=8)) & prior
        if filled.sum() >= CORE_SHARE * prior.sum():
            return np.asarray(filled, dtype=bool)
    return np.zeros_like(dark)


def _ellipse(scale: float, *, mirrored: bool) -> Mask:
    y, x = (np.mgrid[0:SIDE, 0:SIDE] + 0.5) / SIDE
    centre = 1 - PRIOR_CENTRE[0] if mirrored else PRIOR_CENTRE[0]
    across = (x - centre) / (PRIOR_AXES[0] * scale)
    down = (y - PRIOR_CENTRE[1]) / (PRIOR_AXES[1] * scale)
    return np.asarray(across**2 + down**2 <= 1.0, dtype=bool)


def _resized(image: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Bilinear, pixel areas aligned (no half-pixel shift); smoothed first where it shrinks."""
    factors = [new / old for new, old in zip(shape, image.shape, strict=True)]
    if min(factors) < 1:
        image = ndimage.gaussian_filter(image, [max(0.0, 0.5 / f - 0.5) for f in factors])
    zoomed = ndimage.zoom(image, factors, order=1, grid_mode=True, mode="nearest")
    return np.asarray(zoomed, dtype=np.float64)
