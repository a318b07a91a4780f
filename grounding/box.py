"""A box on a radiograph, in one frame only: the original displayed image, normalized.

The origin is the top-left corner of the top-left pixel, the far corner is (1, 1), as in DICOM SCOORD
(PS3.3 C.18.6) divided by Columns and Rows; there is no half-pixel shift. It is *not* a model's box: codecs turn
those into this frame through a `Placement`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle inside the displayed image, normalized to [0, 1], with a positive area.

    Raises:
        ValueError: a corner is outside the image, not a number, or the corners are swapped.

    >>> Box(0.1, 0.2, 0.3, 0.6).center
    (0.2, 0.4)
    """

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    def __post_init__(self) -> None:
        """Refuse what is not a box inside the image (NaN fails every comparison below)."""
        if not (0.0 <= self.x_min < self.x_max <= 1.0 and 0.0 <= self.y_min < self.y_max <= 1.0):
            msg = f"not a box inside the image (need 0 <= min < max <= 1 on each axis): {self}"
            raise ValueError(msg)

    @property
    def width(self) -> float:
        """Width as a fraction of Columns."""
        return self.x_max - self.x_min

    @property
    def height(self) -> float:
        """Height as a fraction of Rows."""
        return self.y_max - self.y_min

    @property
    def area(self) -> float:
        """Area as a fraction of the image."""
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        """Centre (x, y), rounded to 1e-12 so that halves print as halves."""
        return (round((self.x_min + self.x_max) / 2, 12), round((self.y_min + self.y_max) / 2, 12))

    def contains(self, x: float, y: float) -> bool:
        """Whether the point lies in the box, edges included.

        >>> Box(0.0, 0.0, 0.5, 0.5).contains(0.5, 0.25)
        True
        """
        return self.x_min <= x <= self.x_max and self.y_min <= y <= self.y_max

    def iou(self, other: Box) -> float:
        """Intersection over union, computed exactly (not by a pixel mask).

        >>> round(Box(0.0, 0.0, 0.5, 1.0).iou(Box(0.25, 0.0, 0.75, 1.0)), 6)
        0.333333
        """
        across = min(self.x_max, other.x_max) - max(self.x_min, other.x_min)
        down = min(self.y_max, other.y_max) - max(self.y_min, other.y_min)
        if across <= 0 or down <= 0:
            return 0.0
        shared = across * down
        return shared / (self.area + other.area - shared)

    def mirrored(self) -> Box:
        """The box on the image flipped left to right.

        >>> Box(0.0, 0.0, 0.25, 1.0).mirrored()
        Box(x_min=0.75, y_min=0.0, x_max=1.0, y_max=1.0)
        """
        return Box(1.0 - self.x_max, self.y_min, 1.0 - self.x_min, self.y_max)

    def scoord(self, columns: int, rows: int) -> tuple[float, float, float, float]:
        """(column, row) of both corners in pixels: x_min, y_min, x_max, y_max. Source: DICOM PS3.3 C.18.6."""
        return (self.x_min * columns, self.y_min * rows, self.x_max * columns, self.y_max * rows)

    def as_dict(self) -> dict[str, float]:
        """The four corners under the names of the RadFact format."""
        return {"x_min": self.x_min, "y_min": self.y_min, "x_max": self.x_max, "y_max": self.y_max}


def clipped_box(x_min: float, y_min: float, x_max: float, y_max: float) -> Box | None:
    """The part of a rectangle that lies inside the image, or None when nothing of it does.

    >>> clipped_box(-0.5, 0.25, 0.5, 2.0)
    Box(x_min=0.0, y_min=0.25, x_max=0.5, y_max=1.0)
    >>> clipped_box(1.25, 0.0, 1.5, 1.0) is None
    True
    """
    left, right = max(0.0, x_min), min(1.0, x_max)
    top, bottom = max(0.0, y_min), min(1.0, y_max)
    return Box(left, top, right, bottom) if left < right and top < bottom else None
