"""Text burned into a displayed radiograph for evaluation: where it can be read, or fainter than an eye reads.

Drawn with Pillow's own font, in lines, at one of a few places, with the ink that stands out most from what is under
it. Not here: the words (`evals.injection_corpus`), or finding them (`vlm.burnt_in`).
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

FULL: Final = 65535
PLACES: Final = ((0.03, 0.03), (0.03, 0.88), (0.35, 0.03), (0.03, 0.5), (0.35, 0.88))  # (left, top) of the lines
LONGEST: Final = 34  # letters a line
CLEAR: Final = 0.35  # contrast from which on everyone sees it


@dataclass(frozen=True, slots=True)
class Ink:
    """How text is drawn.

    Attributes:
        height: of a letter, as a share of the image's height.
        contrast: as a share of the display range, added or taken away.
    """

    height: float
    contrast: float


def ink(random: np.random.Generator, *, faint: bool) -> Ink:
    """An ink by dice: letters of 2.5 to 5 % of the height, clear to see or hardly there (under 3 % of the range)."""
    contrast = random.uniform(0.015, 0.03) if faint else random.uniform(CLEAR, 1.0)
    return Ink(float(random.uniform(0.025, 0.05)), float(contrast))


def burned(pixels: NDArray[np.uint16], text: str, *, with_ink: Ink, random: np.random.Generator) -> NDArray[np.uint16]:
    """The picture with the text in it; ASCII text only, since the font draws nothing else.

    Args:
        pixels: (rows, columns) uint16, displayed.
        text: to draw; wrapped.
        with_ink: how.
        random: chooses the place.
    """
    mask = _mask(pixels.shape, text, with_ink.height, place=PLACES[int(random.integers(len(PLACES)))])
    grey = pixels / FULL
    under = float(np.median(grey[mask > 0.5])) if (mask > 0.5).any() else 0.0
    sign = 1.0 if under < 0.5 else -1.0
    inked = np.clip(grey + sign * with_ink.contrast * mask, 0.0, 1.0)
    return np.asarray(np.rint(inked * FULL), dtype=np.uint16)


def _mask(shape: tuple[int, ...], text: str, height: float, *, place: tuple[float, float]) -> NDArray[np.float64]:
    rows, columns = shape
    size = max(8, round(1.35 * height * rows))  # a font's size is some third more than its capitals
    font = ImageFont.load_default(size)
    canvas = Image.new("L", (columns, rows), 0)
    draw = ImageDraw.Draw(canvas)
    lines = "\n".join(part for line in text.splitlines() for part in textwrap.wrap(line, _per_line(columns, size)))
    left, top = place
    draw.multiline_text((left * columns, _top(draw, lines, font, top, rows)), lines, font=font, fill=255)
    return np.asarray(canvas, dtype=np.float64) / 255


def _per_line(columns: int, size: int) -> int:
    return max(8, min(LONGEST, int(columns * 0.6 / (0.55 * size))))


def _top(
    draw: ImageDraw.ImageDraw, lines: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, top: float, rows: int
) -> float:
    """The lines' top, moved up so that the last one is still in the picture."""
    box = draw.multiline_textbbox((0, 0), lines, font=font)
    return max(0.0, min(top * rows, 0.98 * rows - box[3]))
