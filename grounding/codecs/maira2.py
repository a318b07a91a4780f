"""The spelling of MAIRA-2: `<obj>text<box><x0><y0><x1><y1></box></obj>`, 100 bins on each axis.

A bin stands for its middle, `(k + 0.5) / 100` of the model's input, and comes back to the original frame through the
`Placement`, so that the crop that MAIRA-2's own processor makes is undone. The objects around the boxes are read by
`grounding.codecs.objects`.

Source: Bannur et al., "MAIRA-2: Grounded Radiology Report Generation", arXiv:2406.04449.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grounding.box import Box
from grounding.codecs.edges import drawn
from grounding.codecs.objects import ObjectGrammar, spell_objects
from grounding.codecs.phrase import Phrase
from grounding.placement import Placement

NAME: Final = "maira2@1"
BINS: Final = 100
_GRAMMAR: Final = ObjectGrammar(
    NAME,
    box=r"<box>\s*<x([0-9]{1,3})>\s*<y([0-9]{1,3})>\s*<x([0-9]{1,3})>\s*<y([0-9]{1,3})>\s*</box>",
    shape="boxes of four bins <x><y><x><y>",
)


@dataclass(frozen=True, slots=True)
class Maira2Codec:
    """Reads MAIRA-2's grounded answers.

    >>> from grounding.placement import letterbox
    >>> Maira2Codec().decode("<obj>No effusion.</obj>", placement=letterbox(8, 8, side=8))
    (Phrase(text='No effusion.', boxes=()),)
    """

    name: str = NAME

    def decode(self, text: str, *, placement: Placement) -> tuple[Phrase, ...]:
        """The phrases of an answer, at least one, in order.

        Args:
            text: the answer, special tokens kept; `<s>` at its start and `</s>` at its end are allowed.
            placement: how the image was laid into the model's input.

        Raises:
            CodecError: the answer is empty or truncated, text stands outside of an object, an object has no words,
                a box has not four bins, a bin is over 99, corners are swapped or equal, or a box is off the image.
        """
        return _GRAMMAR.read(text, box_of=lambda corners: _box(corners, placement=placement))


def spell(phrases: Sequence[Phrase], *, placement: Placement) -> str:
    """The answer that `decode` reads back as these phrases, each edge within a bin.

    Raises:
        ValueError: a box lies in a margin that the model never saw.
    """
    return spell_objects(phrases, box_tokens=lambda box: _tokens(box, placement=placement))


def _tokens(box: Box, *, placement: Placement) -> str:
    x_min, y_min, x_max, y_max = drawn(box, placement=placement)
    left, right = _bins(x_min / placement.input_columns, x_max / placement.input_columns)
    top, bottom = _bins(y_min / placement.input_rows, y_max / placement.input_rows)
    return f"<x{left}><y{top}><x{right}><y{bottom}>"


def _bins(low: float, high: float) -> tuple[int, int]:
    """The bins in which two edges lie, one apart at least."""
    first, second = (min(BINS - 1, int(value * BINS)) for value in (low, high))
    if first == second:
        return (first, first + 1) if first < BINS - 1 else (first - 1, first)
    return first, second


def _box(corners: tuple[int, ...], *, placement: Placement) -> Box:
    x_0, y_0, x_1, y_1 = corners
    if max(corners) >= BINS:
        msg = f"bin {max(corners)} does not exist: MAIRA-2 has bins 0 to {BINS - 1}"
        raise ValueError(msg)
    if x_0 >= x_1 or y_0 >= y_1:
        msg = f"the corners of box {corners} are swapped or equal: the first is the top left"
        raise ValueError(msg)
    box = placement.to_original(
        (x_0 + 0.5) / BINS * placement.input_columns,
        (y_0 + 0.5) / BINS * placement.input_rows,
        (x_1 + 0.5) / BINS * placement.input_columns,
        (y_1 + 0.5) / BINS * placement.input_rows,
    )
    if box is None:
        msg = f"box {corners} lies in the padding, not on the image: check the placement"
        raise ValueError(msg)
    return box
