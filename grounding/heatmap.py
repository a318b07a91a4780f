"""Where a model looked: a coarse grid of weights over the original displayed image, in that frame only.

What lies under a cell that the model never saw (a crop's margin) is None, never 0: "not seen" is not "not looked at".
A method's grid over the model's input comes here through the exact inverse of the `Placement`. Not here: how a weight
is computed (`vlm.looking`), whether it can be believed (`evals.fidelity`), and how it is drawn (`dashboard.heat`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from grounding.placement import Placement

CELLS: Final = 32  # on the long side: 12 mm of a 14 x 17 inch film; finer than any model's own grid of image tokens

Grid = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Weights over the original displayed image, row by row.

    Attributes:
        method: by which the weights were found, as `vlm.looking` names it.
        rows, columns: of the grid; its cells divide the whole image evenly.
        values: rows * columns weights, larger where the sentence leans more on that place; below 0 where it speaks
            against the sentence; None where the model never saw the image.

    >>> Heatmap("occlusion", 1, 2, (0.5, None)).array.tolist()
    [[0.5, nan]]
    """

    method: str
    rows: int
    columns: int
    values: tuple[float | None, ...]

    def __post_init__(self) -> None:
        """Refuse a grid that is none, and weights that are no numbers."""
        if min(self.rows, self.columns) < 1 or len(self.values) != self.rows * self.columns:
            msg = f"a grid has rows * columns values: {self.rows} * {self.columns}, {len(self.values)} values"
            raise ValueError(msg)
        if not all(value is None or math.isfinite(value) for value in self.values):
            msg = f"a weight is finite, or None where the model never saw the image: {self.method}"
            raise ValueError(msg)

    @property
    def array(self) -> Grid:
        """(rows, columns) weights, NaN where the model never saw the image."""
        values = [math.nan if value is None else value for value in self.values]
        return np.asarray(values, dtype=np.float64).reshape(self.rows, self.columns)

    @property
    def peak(self) -> tuple[float, float] | None:
        """The point (x, y), normalized, where the weight is largest; None for a map that is the same everywhere.

        The centre of the highest cell (of several, the one in their middle), drawn towards heavier neighbours: the
        centroid of the nine cells around it, weighted by what they have above the least of them; so that it is finer
        than the grid.

        >>> Heatmap("occlusion", 1, 4, (0.0, 0.0, 3.0, 1.0)).peak
        (0.6875, 0.5)
        >>> Heatmap("occlusion", 1, 2, (1.0, 1.0)).peak is None
        True
        """
        array = self.array
        seen = array[np.isfinite(array)]
        if not seen.size or seen.max() <= seen.min():
            return None
        return _centroid(array, *_highest(array))

    @property
    def normalised(self) -> Heatmap:
        """The same map from 0 to 1 for the eye: what speaks against the sentence is 0, the largest weight is 1.

        >>> Heatmap("occlusion", 1, 4, (-2.0, 1.0, 4.0, None)).normalised.values
        (0.0, 0.25, 1.0, None)
        >>> Heatmap("occlusion", 1, 2, (-2.0, 0.0)).normalised.values
        (0.0, 0.0)
        """
        largest = max((value for value in self.values if value is not None), default=0.0)
        scale = largest if largest > 0 else 1.0
        values = tuple(None if value is None else max(value, 0.0) / scale for value in self.values)
        return Heatmap(self.method, self.rows, self.columns, values)

    @property
    def seen_share(self) -> float:
        """The share of the image that the model saw.

        >>> Heatmap("occlusion", 1, 4, (0.0, 0.0, 0.0, None)).seen_share
        0.75
        """
        return sum(value is not None for value in self.values) / len(self.values)


def heatmap_of(array: Grid, *, method: str) -> Heatmap:
    """The heatmap of an array over the original image, shape (rows, columns), NaN where nothing was seen.

    Weights are kept to four significant digits: it is stored with each draft, and more would be noise.

    Raises:
        ValueError: the array is no grid, or holds an infinity.

    >>> heatmap_of(np.array([[1 / 3, math.nan]]), method="m").values
    (0.3333, None)
    """
    if array.ndim != 2:
        msg = f"a heatmap has rows and columns: an array of shape {array.shape} has not"
        raise ValueError(msg)
    rows, columns = array.shape
    values = tuple(None if math.isnan(value) else float(f"{value:.4g}") for value in array.ravel().tolist())
    return Heatmap(method, rows, columns, values)


def grid_shape(columns: int, rows: int, *, cells: int = CELLS) -> tuple[int, int]:
    """(rows, columns) of the grid of an image of that many pixels: so many cells on the long side, nearly square.

    >>> grid_shape(2000, 1000)
    (16, 32)
    """
    longest = max(columns, rows)
    return max(1, round(rows * cells / longest)), max(1, round(columns * cells / longest))


def on_original(grid: Grid, *, placement: Placement, method: str, cells: int = CELLS) -> Heatmap:
    """A grid over the model's input as a heatmap over the original image.

    Each cell's centre is followed into the model's input, and the weight there is interpolated between the centres of
    the nearest cells of `grid`. What lies in the padding is left behind; what the input did not show is None.

    Args:
        grid: (rows, columns) weights whose cells divide the whole model input evenly.
        placement: of the image in that input.
        method: by which the weights were found.
        cells: on the long side of the heatmap.

    >>> from grounding.placement import center_crop
    >>> on_original(np.ones((2, 2)), placement=center_crop(4, 2, side=2), method="ones", cells=4).values
    (None, 1.0, 1.0, None, None, 1.0, 1.0, None)
    """
    rows, columns = grid_shape(placement.columns, placement.rows, cells=cells)
    x = (np.arange(columns) + 0.5) / columns * placement.columns * placement.scale_x + placement.offset_x
    y = (np.arange(rows) + 0.5) / rows * placement.rows * placement.scale_y + placement.offset_y
    weights = _interpolated(grid, y / placement.input_rows, x / placement.input_columns)
    weights[(y < 0) | (y > placement.input_rows), :] = np.nan
    weights[:, (x < 0) | (x > placement.input_columns)] = np.nan
    return heatmap_of(weights, method=method)


def drawn_on_original(
    weight: Callable[[Grid, Grid], Grid], *, placement: Placement, method: str, cells: int = CELLS
) -> Heatmap:
    """A map given by a formula of the place, for maps that no model makes (random, centre).

    Args:
        weight: of arrays x and y, normalized in the original image, shape (rows, columns) each.
        placement: says what was seen.
        method: its name.
        cells: on the long side.
    """
    seen = on_original(np.zeros((1, 1)), placement=placement, method=method, cells=cells).array
    y, x = np.mgrid[: seen.shape[0], : seen.shape[1]]
    return heatmap_of(
        seen + weight((x + 0.5) / seen.shape[1], (y + 0.5) / seen.shape[0]),
        method=method,
    )


def _interpolated(grid: Grid, down: Grid, across: Grid) -> Grid:
    """The grid's weights at places given as shares of its height and width; constant beyond the outermost centres."""
    above, below, lower = _neighbours(down, grid.shape[0])
    before, after, further = _neighbours(across, grid.shape[1])
    mixed = grid[above] * (1.0 - lower)[:, None] + grid[below] * lower[:, None]
    blended: Grid = mixed[:, before] * (1.0 - further) + mixed[:, after] * further
    return blended


def _neighbours(share: Grid, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Grid]:
    """The two cells of an axis between whose centres each place lies, and how far it is on the way to the second."""
    place = np.clip(share * count - 0.5, 0.0, count - 1.0)
    first = np.floor(place).astype(np.intp)
    return first, np.minimum(first + 1, count - 1), place - first


def _highest(array: Grid) -> tuple[int, int]:
    """Row and column of the largest weight; of several equal ones, of that which is nearest to the middle of them."""
    places = np.argwhere(array == np.nanmax(array))
    distances = np.square(places - places.mean(axis=0)).sum(axis=1)
    row, column = places[int(np.argmin(distances))].tolist()
    return row, column


def _centroid(array: Grid, row: int, column: int) -> tuple[float, float]:
    """The weighted centre of the cells around one, normalized."""
    top, left = max(0, row - 1), max(0, column - 1)
    around = array[top : row + 2, left : column + 2]
    weights = np.nan_to_num(around - np.nanmin(around), nan=0.0)
    if not weights.any():  # no neighbour was seen, or all are alike
        weights[row - top, column - left] = 1.0
    down, across = np.mgrid[: weights.shape[0], : weights.shape[1]] + 0.5
    total = float(weights.sum())
    x = (left + float((weights * across).sum()) / total) / array.shape[1]
    y = (top + float((weights * down).sum()) / total) / array.shape[0]
    return x, y
