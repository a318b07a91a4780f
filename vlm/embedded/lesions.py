"""Training lesions: nodules and masses of known place and size, drawn into a displayed radiograph.

A lesion is a union of soft blobs (metaballs) pushed through a smooth step, so its outline is irregular and its edge is
a few millimetres wide; spicules are thin blobs that leave it. This is *not* the evaluation's lesion
(`evals.insertion`), with which it shares no shape, seed or parameter table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDE_MM = 375.0  # the image side is taken as 375 mm wherever the spacing is unknown
MASS_MM = 30.0  # Fleischner Society glossary (2008): a mass is larger than 3 cm, a nodule is not
EDGE_LEVEL = 0.3  # the box bounds the footprint where the added density exceeds this share of its peak


@dataclass(frozen=True, slots=True)
class Lesion:
    """A lesion as drawn.

    Attributes:
        kind: "nodule" or "mass", by its diameter.
        x_min, y_min, x_max, y_max: footprint, pixels of the image drawn into.
        diameter_mm: asked for; contrast: peak of the added density, display range 0..1.
    """

    kind: str
    x_min: float
    y_min: float
    x_max: float
    y_max: float
    diameter_mm: float
    contrast: float

    @property
    def center(self) -> tuple[float, float]:
        """Centre of the footprint, pixels."""
        return ((self.x_min + self.x_max) / 2, (self.y_min + self.y_max) / 2)


def _blobs(rng: np.random.Generator, radius: float, grid: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum of 1 to 5 Gaussian blobs around the middle of the patch; `grid` is (2, n, n) pixel offsets."""
    field = np.zeros(grid.shape[1:], np.float32)
    for _ in range(int(rng.integers(1, 6))):
        away = rng.uniform(0.0, 0.6) * radius
        angle = rng.uniform(0.0, 2 * np.pi)
        long_axis = radius * rng.uniform(0.5, 0.95)
        short_axis = long_axis * rng.uniform(0.55, 1.0)
        turn = rng.uniform(0.0, np.pi)
        dx, dy = grid[0] - away * np.cos(angle), grid[1] - away * np.sin(angle)
        u, v = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
        field += np.exp(-((u / long_axis) ** 2 + (v / short_axis) ** 2))
    return field


def _spicules(rng: np.random.Generator, radius: float, grid: NDArray[np.float32]) -> NDArray[np.float32]:
    field = np.zeros(grid.shape[1:], np.float32)
    for _ in range(int(rng.integers(3, 9))):
        turn = rng.uniform(0.0, 2 * np.pi)
        reach = radius * rng.uniform(0.9, 1.6)
        dx, dy = grid[0] - 0.5 * reach * np.cos(turn), grid[1] - 0.5 * reach * np.sin(turn)
        u, v = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
        field += 0.4 * np.exp(-((u / (0.5 * reach)) ** 2) - (v / max(0.8, 0.08 * radius)) ** 2)
    return field


def lesion_patch(rng: np.random.Generator, *, radius_px: float) -> NDArray[np.float32]:
    """A lesion's density on a square patch, peak 1, about `radius_px` in radius where it exceeds `EDGE_LEVEL`."""
    half = int(np.ceil(radius_px * 2.2)) + 3
    axis = np.arange(-half, half + 1, dtype=np.float32)
    grid = np.stack(np.meshgrid(axis, axis))
    field = _blobs(rng, radius_px, grid)
    if rng.random() < 0.25:
        field += _spicules(rng, radius_px, grid)
    field /= field.max()
    threshold, softness = rng.uniform(0.25, 0.45), rng.uniform(0.12, 0.5)
    density = np.clip((field - threshold) / softness + 0.5, 0.0, 1.0)
    density = density * density * (3 - 2 * density)
    density *= 1 + rng.uniform(0.0, 0.5) * (field - 1)  # denser towards the middle
    return (density / density.max()).astype(np.float32)


def draw_lesion(
    image: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    center_px: tuple[float, float],
    diameter_mm: float,
    contrast: float,
) -> Lesion | None:
    """Add a lesion to `image` in place; None when its footprint leaves the image.

    Args:
        image: (side, side) float32, display range 0..1, bright is dense.
        rng: source of its shape.
        center_px: (x, y), rounded to a pixel.
        diameter_mm: of the footprint, the side taken as 375 mm.
        contrast: peak of the added density.
    """
    side = image.shape[0]
    wanted = diameter_mm / SIDE_MM * side
    shape_seed = int(rng.integers(2**32))
    grown = _extent(lesion_patch(np.random.default_rng(shape_seed), radius_px=24.0)) / 48.0
    patch = lesion_patch(np.random.default_rng(shape_seed), radius_px=wanted / 2 / grown)
    above = patch > EDGE_LEVEL
    columns, rows = np.flatnonzero(above.any(0)), np.flatnonzero(above.any(1))
    half = patch.shape[0] // 2
    x0, y0 = round(center_px[0]) - half, round(center_px[1]) - half
    box = (x0 + columns[0], y0 + rows[0], x0 + columns[-1] + 1, y0 + rows[-1] + 1)
    if min(box[:2]) < 1 or max(box[2:]) > side - 1:
        return None
    _paste(image, patch * contrast, x0, y0)
    kind = "mass" if diameter_mm > MASS_MM else "nodule"
    x_min, y_min, x_max, y_max = (float(edge) for edge in box)
    return Lesion(kind, x_min, y_min, x_max, y_max, diameter_mm, contrast)


def _extent(patch: NDArray[np.float32]) -> int:
    above = patch > EDGE_LEVEL
    columns, rows = np.flatnonzero(above.any(0)), np.flatnonzero(above.any(1))
    return int(max(columns[-1] - columns[0], rows[-1] - rows[0])) + 1


def _paste(image: NDArray[np.float32], patch: NDArray[np.float32], x0: int, y0: int) -> None:
    rows, columns = image.shape
    top, left = max(0, y0), max(0, x0)
    bottom, right = min(rows, y0 + patch.shape[0]), min(columns, x0 + patch.shape[1])
    target = image[top:bottom, left:right]
    # A dense background saturates the detector: the same lesion adds less where the film is already white.
    target += patch[top - y0 : bottom - y0, left - x0 : right - x0] * np.clip(1.15 - target, 0.0, 1.0)


def draw_distractor(image: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Add something that is no lesion in place: a line (device, vessel), a dark blob, a small dense dot, a plate."""
    side = image.shape[0]
    axis = np.arange(side, dtype=np.float32)
    x, y = rng.uniform(0.1, 0.9, 2) * side
    kind = int(rng.integers(0, 3))
    if kind == 0:
        turn, width = rng.uniform(0.0, np.pi), rng.uniform(0.6, 3.0)
        across = (axis[None, :] - x) * np.sin(turn) - (axis[:, None] - y) * np.cos(turn)
        along = (axis[None, :] - x) * np.cos(turn) + (axis[:, None] - y) * np.sin(turn)
        reach = rng.uniform(10.0, 120.0)
        image += rng.uniform(0.04, 0.25) * np.exp(-((across / width) ** 2)) * (np.abs(along) < reach)
    elif kind == 1:
        spread = rng.uniform(4.0, 16.0)
        image -= rng.uniform(0.04, 0.15) * _gauss(axis - y, spread)[:, None] * _gauss(axis - x, spread)[None, :]
    else:
        spread = rng.uniform(25.0, 70.0)
        image += rng.uniform(0.03, 0.15) * _gauss(axis - y, spread)[:, None] * _gauss(axis - x, spread)[None, :]


def _gauss(offsets: NDArray[np.float32], spread: float) -> NDArray[np.float32]:
    return np.exp(-((offsets / np.float32(spread)) ** 2))
