"""The spelling of Qwen3-VL: a JSON list of `{"bbox_2d": [x0, y0, x1, y1], "label": ...}`, thousandths of each side.

Unlike Qwen2.5-VL's, the numbers do not depend on how large the input is. Whether the last step is 999 or 1000 is an
open question of its users; 1000 is taken as the far edge, which differs by a thousandth at most. As the maintainers
advise, a box that leaves the image is cut at its edge, and counted, as long as it reaches no further than 100 steps
past it; further out, pixels were meant, and the box is refused.

Source: QwenLM/Qwen3-VL, issues 866, 1035 and 1741.
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

NAME: Final = "qwen3-vl@1"
KEY: Final = "bbox_2d"
STEPS: Final = 1000
_LEAST: Final = (-100.0, -100.0, -100.0, -100.0)
_MOST: Final = (1100.0, 1100.0, 1100.0, 1100.0)


@dataclass(frozen=True, slots=True)
class Qwen3Codec:
    """Reads the grounded answers of Qwen3-VL.

    >>> from grounding.placement import squash
    >>> placement = squash(200, 100, input_columns=64, input_rows=32)
    >>> Qwen3Codec().decode('[{"bbox_2d": [0, 250, 500, 1000], "label": "Nodule."}]', placement=placement)
    (Phrase(text='Nodule.', boxes=(Box(x_min=0.0, y_min=0.25, x_max=0.5, y_max=1.0),)),)
    """

    name: str = NAME

    def decode(self, text: str, *, placement: Placement) -> tuple[Phrase, ...]:
        """The phrases of an answer, at least one, in order; `Phrase.clipped` counts the boxes that were cut.

        Args:
            text: the answer, special tokens kept.
            placement: how the image was resized to the model's input.

        Raises:
            CodecError: no whole list ends the answer, an entry is malformed or has no words, a corner is more than 100
                steps outside, corners are swapped or equal, or nothing of a box is on the image.
        """
        return read_entries(text, codec=NAME, box_key=KEY, locate=lambda corners: _located(corners, placement))


def spell(phrases: Sequence[Phrase], *, placement: Placement) -> str:
    """The answer that `decode` reads back as these phrases, each edge within half a step (or a step, when thin).

    Raises:
        ValueError: a box lies where the model saw nothing.
    """
    return spell_entries(phrases, box_key=KEY, numbers=lambda box: _numbers(box, placement))


def _located(corners: Corners, placement: Placement) -> Located:
    x_min, y_min, x_max, y_max = ordered(within(corners, least=_LEAST, most=_MOST))
    across, down = placement.input_columns / STEPS, placement.input_rows / STEPS
    return located(
        (x_min * across, y_min * down, x_max * across, y_max * down), placement=placement, step=(across, down)
    )


def _numbers(box: Box, placement: Placement) -> list[int]:
    x_min, y_min, x_max, y_max = drawn(box, placement=placement)
    across, down = STEPS / placement.input_columns, STEPS / placement.input_rows
    left, right = whole_steps(x_min * across, x_max * across, last=STEPS)
    top, bottom = whole_steps(y_min * down, y_max * down, last=STEPS)
    return [left, top, right, bottom]
