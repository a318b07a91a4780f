"""The embedded model's spelling of a place: the grid cell of the centre, the offset in it, then the size.

`<obj>text<box><c047><x3><y5><w07><h08></box></obj>`: a small decoder learns "which cell" (one choice among the image's
own tokens) long before it learns four unrelated coordinates. The grid is 10 x 10 over the model's input, cells are
numbered row by row; offsets are eighths of a cell; sizes are 16 logarithmic steps of a third of an octave from 6/320
of the input's side. The objects around the boxes are read by `grounding.codecs.objects`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grounding.box import Box
from grounding.codecs.objects import ObjectGrammar, spell_objects
from grounding.codecs.phrase import Phrase
from grounding.placement import Placement

NAME: Final = "overread-cells@1"
GRID: Final = 10
OFFSETS: Final = 8
SIZES: Final = 16
SMALLEST: Final = 6.0 / 320.0  # of the input's side
STEP: Final = 2.0 ** (1.0 / 3.0)

_GRAMMAR: Final = ObjectGrammar(
    NAME,
    box=r"<box>\s*<c([0-9]{3})>\s*<x([0-9])>\s*<y([0-9])>\s*<w([0-9]{2})>\s*<h([0-9]{2})>\s*</box>",
    shape="boxes of five place tokens",
)


def place_tokens(x_min: float, y_min: float, x_max: float, y_max: float, *, side: float) -> tuple[str, ...]:
    """The five tokens of a rectangle in a square model input of that side (pixels).

    >>> place_tokens(30, 62, 42, 74, side=320)
    ('<c021>', '<x1>', '<y1>', '<w03>', '<h03>')
    """
    x, y = (x_min + x_max) / 2 / side * GRID, (y_min + y_max) / 2 / side * GRID
    column, row = (min(GRID - 1, max(0, int(value))) for value in (x, y))
    across, down = (min(OFFSETS - 1, max(0, int((v - c) * OFFSETS))) for v, c in ((x, column), (y, row)))
    width, height = (_size_step((upper - lower) / side) for lower, upper in ((x_min, x_max), (y_min, y_max)))
    return (f"<c{row * GRID + column:03d}>", f"<x{across}>", f"<y{down}>", f"<w{width:02d}>", f"<h{height:02d}>")


def _size_step(share: float) -> int:
    return min(SIZES - 1, max(0, round(math.log(max(share, 1e-6) / SMALLEST, STEP))))


def place_vocabulary() -> tuple[str, ...]:
    """All place tokens, in the order cell, x, y, width, height."""
    return (
        *(f"<c{cell:03d}>" for cell in range(GRID * GRID)),
        *(f"<x{step}>" for step in range(OFFSETS)),
        *(f"<y{step}>" for step in range(OFFSETS)),
        *(f"<w{step:02d}>" for step in range(SIZES)),
        *(f"<h{step:02d}>" for step in range(SIZES)),
    )


@dataclass(frozen=True, slots=True)
class CellsCodec:
    """Reads the embedded model's grounded answers.

    >>> from grounding.placement import letterbox
    >>> CellsCodec().decode("<obj>No focal nodule or mass.</obj>", placement=letterbox(8, 8, side=320))
    (Phrase(text='No focal nodule or mass.', boxes=()),)
    """

    name: str = NAME

    def decode(self, text: str, *, placement: Placement) -> tuple[Phrase, ...]:
        """The phrases of an answer, at least one, in order.

        Args:
            text: the answer, special tokens kept; `<s>` at its start and `</s>` at its end are allowed.
            placement: how the image was laid into the model's square input.

        Raises:
            CodecError: the answer is empty or truncated, text stands outside of an object, an object has no words,
                a box has not its five tokens, a token is out of range, or a box is off the image.
        """
        return _GRAMMAR.read(text, box_of=lambda steps: _box(steps, placement=placement))


def spell(phrases: Sequence[Phrase], *, placement: Placement) -> str:
    """The answer that `decode` reads back as these phrases: centres within half an offset, sizes within half a step.

    A box smaller than the smallest step, or larger than the largest, comes back as large as that step.

    Raises:
        ValueError: the input is not a square.
    """
    if placement.input_columns != placement.input_rows:
        msg = f"places are spelt in a square input, not {placement.input_columns} x {placement.input_rows}"
        raise ValueError(msg)
    side = float(placement.input_columns)
    return spell_objects(phrases, box_tokens=lambda box: "".join(place_tokens(*placement.to_input(box), side=side)))


def _box(steps: tuple[int, ...], *, placement: Placement) -> Box:
    cell, across, down, width, height = steps
    if cell >= GRID * GRID or max(across, down) >= OFFSETS or max(width, height) >= SIZES:
        last = f"cells end at {GRID * GRID - 1}, offsets at {OFFSETS - 1}, sizes at {SIZES - 1}"
        msg = f"place {steps} does not exist: {last}"
        raise ValueError(msg)
    x = (cell % GRID + (across + 0.5) / OFFSETS) / GRID * placement.input_columns
    y = (cell // GRID + (down + 0.5) / OFFSETS) / GRID * placement.input_rows
    half_width = SMALLEST * STEP**width * placement.input_columns / 2
    half_height = SMALLEST * STEP**height * placement.input_rows / 2
    box = placement.to_original(x - half_width, y - half_height, x + half_width, y + half_height)
    if box is None:
        msg = f"box {steps} lies in the padding, not on the image: check the placement"
        raise ValueError(msg)
    return box
