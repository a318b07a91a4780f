"""Where the phantom's body lies on the detector: millimetres of anatomy to pixels and back.

Anatomy axes: x to the patient's left (image right on a PA view), y towards the feet, origin at the centre of the chest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]  # float32 throughout; NumPy types its mixed arithmetic no closer
SIDE_MM = 375.0


@dataclass(frozen=True, slots=True)
class Frame:
    """A similarity transform from anatomy (mm) to pixels.

    Attributes:
        side_px: side of the square image.
        turn_rad: rotation of the patient in the image plane.
        scale: magnification (1 = life size on a 375 mm detector).
        shift_x_mm, shift_y_mm: where the anatomy's origin lands, from the image centre.
    """

    side_px: int
    turn_rad: float = 0.0
    scale: float = 1.0
    shift_x_mm: float = 0.0
    shift_y_mm: float = 0.0

    @property
    def px_per_mm(self) -> float:
        """Detector pixels per detector millimetre."""
        return self.side_px / SIDE_MM

    def grid(self) -> tuple[Array, Array]:
        """Anatomy x and y (mm) of every pixel centre, each (side, side)."""
        line = ((np.arange(self.side_px, dtype=np.float32) + 0.5) / self.px_per_mm - SIDE_MM / 2).astype(np.float32)
        across = ((line - self.shift_x_mm) / self.scale)[None, :]
        down = ((line - self.shift_y_mm) / self.scale)[:, None]
        cos, sin = np.float32(np.cos(self.turn_rad)), np.float32(np.sin(self.turn_rad))
        return across * cos + down * sin, down * cos - across * sin

    def to_pixels(self, x_mm: NDArray[np.float64], y_mm: NDArray[np.float64]) -> tuple[Array, Array]:
        """Continuous pixel indices (column, row; 0 = centre of the first pixel) of anatomy points."""
        cos, sin = np.cos(self.turn_rad), np.sin(self.turn_rad)
        across = (x_mm * cos - y_mm * sin) * self.scale + self.shift_x_mm
        down = (x_mm * sin + y_mm * cos) * self.scale + self.shift_y_mm
        columns = (across + SIDE_MM / 2) * self.px_per_mm - 0.5
        rows = (down + SIDE_MM / 2) * self.px_per_mm - 0.5
        return columns.astype(np.float32), rows.astype(np.float32)
