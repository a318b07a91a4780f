"""The spelling of Qwen2.5-VL: a JSON list of `{"bbox_2d": [x0, y0, x1, y1], "label": ...}`, pixels of its input.

The numbers are absolute pixels of the model's input, whose sides are multiples of 28, not of the original image. The
model's maintainers advise to clip boxes that leave the image: a box is cut at the edge, and counted, as long as it
reaches no more than a tenth of the side past it. What lies further out is refused: it was written in another frame
(pixels of the original, say), and cutting it would make a believable box of it.

Source: QwenLM/Qwen3-VL, issues 676, 721 and 1035 (frames, and the advice to clip).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grounding.box import Box
from grounding.codecs.edges import Corners, Located, drawn, located, ordered, whole_steps, within
from grounding.codecs.json_list import read_entries, spell_entries
from grounding.codecs.phrase import Phrase
from grounding.placement import Placement

NAME: Final = "qwen2.5-vl@1"
KEY: Final = "bbox_2d"
OVERSHOOT: Final = 0.1  # of the side: further past the edge is another frame


@dataclass(frozen=True, slots=True)
class Qwen25Codec:
    """Reads the grounded answers of Qwen2.5-VL.

    >>> from grounding.placement import squash
    >>> placement = squash(112, 56, input_columns=56, input_rows=28)
    >>> Qwen25Codec().decode('[{"bbox_2d": [0, 7, 28, 14], "label": "Nodule."}]', placement=placement)
    (Phrase(text='Nodule.', boxes=(Box(x_min=0.0, y_min=0.25, x_max=0.5, y_max=0.5),)),)
    """

    name: str = NAME

    def decode(self, text: str, *, placement: Placement) -> tuple[Phrase, ...]:
        """The phrases of an answer, at least one, in order; `Phrase.clipped` counts the boxes that were cut.

        Args:
            text: the answer, special tokens kept.
            placement: how the image was resized to the model's input.

        Raises:
            CodecError: no whole list ends the answer, an entry is malformed or has no words, a corner is more than a
                tenth of the side outside, corners are swapped or equal, or nothing of a box is on the image.
        """
        return read_entries(text, codec=NAME, box_key=KEY, locate=lambda corners: _located(corners, placement))


def spell(phrases: Sequence[Phrase], *, placement: Placement) -> str:
    """The answer that `decode` reads back as these phrases, each edge within half a pixel (or one, when thin).

    Raises:
        ValueError: a box lies where the model saw nothing.
    """
    return spell_entries(phrases, box_key=KEY, numbers=lambda box: _numbers(box, placement))


def _located(corners: Corners, placement: Placement) -> Located:
    columns, rows = float(placement.input_columns), float(placement.input_rows)
    least = (-OVERSHOOT * columns, -OVERSHOOT * rows) * 2
    most = ((1 + OVERSHOOT) * columns, (1 + OVERSHOOT) * rows) * 2
    drawn_box = ordered(within(corners, least=least, most=most))
    return located(drawn_box, placement=placement, step=(1.0, 1.0))


def _numbers(box: Box, placement: Placement) -> list[int]:
    x_min, y_min, x_max, y_max = drawn(box, placement=placement)
    left, right = whole_steps(x_min, x_max, last=placement.input_columns)
    top, bottom = whole_steps(y_min, y_max, last=placement.input_rows)
    return [left, top, right, bottom]
