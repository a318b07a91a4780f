"""The spelling of Gemma 3 and MedGemma: a JSON list of `{"box_2d": [y0, x0, y1, x1], "label": ...}`, in thousandths.

The list stands at the end, after free reasoning; "Final Answer:" or a fence before it does no harm. The numbers are
thousandths of the model's input, into whose centre the image is padded as a square; padding is undone through the
`Placement`. A number outside of 0 to 1000 is refused, since these models are taught that range and a larger one means
pixels. A box that reaches from the image into the padding is cut at the image's edge, and counted.

Source: Google's notebook on localizing anatomy in chest radiographs with MedGemma 1.5; Gemma's documentation of box_2d.
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

NAME: Final = "gemma-box2d@1"
KEY: Final = "box_2d"
STEPS: Final = 1000
_LEAST: Final = (0.0, 0.0, 0.0, 0.0)
_MOST: Final = (1000.0, 1000.0, 1000.0, 1000.0)


@dataclass(frozen=True, slots=True)
class GemmaCodec:
    """Reads the grounded answers of Gemma 3 and MedGemma.

    >>> from grounding.placement import letterbox
    >>> GemmaCodec().decode('[{"label": "No effusion.", "box_2d": null}]', placement=letterbox(8, 8, side=896))
    (Phrase(text='No effusion.', boxes=()),)
    """

    name: str = NAME

    def decode(self, text: str, *, placement: Placement) -> tuple[Phrase, ...]:
        """The phrases of an answer, at least one, in order.

        Args:
            text: the answer, special tokens kept.
            placement: how the image was laid into the model's square input.

        Raises:
            CodecError: no whole list ends the answer, an entry is malformed or has no words, a number is out of range,
                corners are swapped or equal, or a box lies in the padding.
        """
        return read_entries(text, codec=NAME, box_key=KEY, locate=lambda corners: _located(corners, placement))


def spell(phrases: Sequence[Phrase], *, placement: Placement) -> str:
    """The answer that `decode` reads back as these phrases, each edge within half a step (or a step, when thin).

    Raises:
        ValueError: a box lies where the model saw nothing.
    """
    return spell_entries(phrases, box_key=KEY, numbers=lambda box: _numbers(box, placement))


def _located(corners: Corners, placement: Placement) -> Located:
    top, left, bottom, right = within(corners, least=_LEAST, most=_MOST)
    x_min, y_min, x_max, y_max = ordered((left, top, right, bottom))
    across, down = placement.input_columns / STEPS, placement.input_rows / STEPS
    return located(
        (x_min * across, y_min * down, x_max * across, y_max * down), placement=placement, step=(across, down)
    )


def _numbers(box: Box, placement: Placement) -> list[int]:
    x_min, y_min, x_max, y_max = drawn(box, placement=placement)
    across, down = STEPS / placement.input_columns, STEPS / placement.input_rows
    left, right = whole_steps(x_min * across, x_max * across, last=STEPS)
    top, bottom = whole_steps(y_min * down, y_max * down, last=STEPS)
    return [top, left, bottom, right]
