"""How a displayed image was laid into a model's input, with its exact inverse.

Every preprocessing step returns one of these; codecs use it to bring a model's box back to the original frame.
What the crop left out is stated (`seen`), never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass

from grounding.box import Box, clipped_box


@dataclass(frozen=True, slots=True)
class Placement:
    """An axis-aligned map: input_px = original_px * scale + offset, each axis by itself.

    Attributes:
        columns, rows: the original displayed image, pixels.
        input_columns, input_rows: the model's input, pixels.
        scale_x, scale_y: input pixels per original pixel (positive).
        offset_x, offset_y: where the original's top-left corner lands, input pixels (negative after a crop).
    """

    columns: int
    rows: int
    input_columns: int
    input_rows: int
    scale_x: float
    scale_y: float
    offset_x: float
    offset_y: float

    def __post_init__(self) -> None:
        """Refuse empty images and scales that have no inverse."""
        if min(self.columns, self.rows, self.input_columns, self.input_rows) < 1:
            msg = f"an image has at least one pixel on each axis: {self}"
            raise ValueError(msg)
        if not (self.scale_x > 0 and self.scale_y > 0):
            msg = f"a placement needs positive scales, else it has no inverse: {self}"
            raise ValueError(msg)

    def to_input(self, box: Box) -> tuple[float, float, float, float]:
        """The box in input pixels (x_min, y_min, x_max, y_max); it may lie outside the input after a crop."""
        x_min, y_min, x_max, y_max = box.scoord(self.columns, self.rows)
        return (
            x_min * self.scale_x + self.offset_x,
            y_min * self.scale_y + self.offset_y,
            x_max * self.scale_x + self.offset_x,
            y_max * self.scale_y + self.offset_y,
        )

    def to_original(self, x_min: float, y_min: float, x_max: float, y_max: float) -> Box | None:
        """A rectangle in input pixels as a box of the original frame; None when no part of it is on the image.

        >>> letterbox(200, 100, side=100).to_original(25, 25, 75, 50)
        Box(x_min=0.25, y_min=0.0, x_max=0.75, y_max=0.5)
        """
        return clipped_box(
            (x_min - self.offset_x) / self.scale_x / self.columns,
            (y_min - self.offset_y) / self.scale_y / self.rows,
            (x_max - self.offset_x) / self.scale_x / self.columns,
            (y_max - self.offset_y) / self.scale_y / self.rows,
        )

    @property
    def seen(self) -> Box:
        """The part of the original that the model saw; smaller than the image after a crop.

        >>> center_crop(200, 100, side=50).seen
        Box(x_min=0.25, y_min=0.0, x_max=0.75, y_max=1.0)
        """
        seen = self.to_original(0.0, 0.0, float(self.input_columns), float(self.input_rows))
        if seen is None:
            msg = f"the model saw no part of the image: {self}"
            raise ValueError(msg)
        return seen


def letterbox(columns: int, rows: int, *, side: int) -> Placement:
    """Scale the long side to `side`, keep the shape, pad the short side equally: nothing is lost.

    >>> letterbox(200, 100, side=100).offset_y
    25.0
    """
    scale = side / max(columns, rows)
    return Placement(columns, rows, side, side, scale, scale, (side - columns * scale) / 2, (side - rows * scale) / 2)


def center_crop(columns: int, rows: int, *, side: int) -> Placement:
    """Scale the short side to `side` and crop the long one equally on both ends: the margin is never seen."""
    scale = side / min(columns, rows)
    return Placement(columns, rows, side, side, scale, scale, (side - columns * scale) / 2, (side - rows * scale) / 2)


def squash(columns: int, rows: int, *, input_columns: int, input_rows: int) -> Placement:
    """Stretch each axis by itself to the input: nothing is lost, shapes are not kept."""
    return Placement(columns, rows, input_columns, input_rows, input_columns / columns, input_rows / rows, 0.0, 0.0)
