"""The spelling of MAIRA-2: `<obj>text<box><x0><y0><x1><y1></box></obj>`, 100 bins on each axis.

Every object is one statement; a statement has as many boxes as it has places, or none. A bin stands for its middle,
`(k + 0.5) / 100` of the model's input, and comes back to the original frame through the `Placement`, so that the
crop that MAIRA-2's own processor makes is undone. It is not lenient: what it cannot read in full is a `CodecError`,
since half an answer looks like a report with fewer findings.

Source: Bannur et al., "MAIRA-2: Grounded Radiology Report Generation", arXiv:2406.04449.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from grounding.box import Box
from grounding.codecs.phrase import CodecError, Phrase
from grounding.placement import Placement

BINS: Final = 100
_WORDS: Final = r"(?:[^<]|<(?![/A-Za-z]))*"  # any text; "<" is allowed where it opens no token, as in "< 5 mm"
_BOX: Final = r"<box>\s*<x([0-9]{1,3})>\s*<y([0-9]{1,3})>\s*<x([0-9]{1,3})>\s*<y([0-9]{1,3})>\s*</box>"
_BOX_TOKEN: Final = re.compile(_BOX)
_OBJECT: Final = re.compile(rf"\s*<obj>(?P<words>{_WORDS})(?P<boxes>(?:{_BOX}\s*)*)</obj>\s*")


@dataclass(frozen=True, slots=True)
class Maira2Codec:
    """Reads MAIRA-2's grounded answers.

    >>> from grounding.placement import letterbox
    >>> Maira2Codec().decode("<obj>No effusion.</obj>", placement=letterbox(8, 8, side=8))
    (Phrase(text='No effusion.', boxes=()),)
    """

    name: str = "maira2@1"

    def decode(self, text: str, *, placement: Placement) -> tuple[Phrase, ...]:
        """The phrases of an answer, at least one, in order.

        Args:
            text: the answer, special tokens kept; `<s>` at its start and `</s>` at its end are allowed.
            placement: how the image was laid into the model's input.

        Raises:
            CodecError: the answer is empty or truncated, text stands outside of an object, an object has no words,
                a box has not four bins, a bin is over 99, corners are swapped or equal, or a box is off the image.
        """
        answer = text.strip().removeprefix("<s>").removesuffix("</s>").strip()
        if not answer:
            raise _refused("the answer is empty: keep it as a failed draft, it is not a normal image", raw=text)
        phrases: list[Phrase] = []
        position = 0
        while position < len(answer):
            found = _OBJECT.match(answer, position)
            if found is None:
                raise _refused(_fault(answer[position:], after=len(phrases)), raw=text)
            phrases.append(_phrase(found, placement=placement, raw=text))
            position = found.end()
        return tuple(phrases)


def _phrase(found: re.Match[str], *, placement: Placement, raw: str) -> Phrase:
    words = found["words"].strip()
    if not words:
        raise _refused("an object has no words: a box must say what it shows", raw=raw)
    bins = (tuple(int(group) for group in box.groups()) for box in _BOX_TOKEN.finditer(found["boxes"]))
    return Phrase(words, tuple(_box(corners, placement=placement, raw=raw) for corners in bins))


def _box(corners: tuple[int, ...], *, placement: Placement, raw: str) -> Box:
    x_0, y_0, x_1, y_1 = corners
    if max(corners) >= BINS:
        raise _refused(f"bin {max(corners)} does not exist: MAIRA-2 has bins 0 to {BINS - 1}", raw=raw)
    if x_0 >= x_1 or y_0 >= y_1:
        raise _refused(f"the corners of box {corners} are swapped or equal: the first is the top left", raw=raw)
    box = placement.to_original(
        (x_0 + 0.5) / BINS * placement.input_columns,
        (y_0 + 0.5) / BINS * placement.input_rows,
        (x_1 + 0.5) / BINS * placement.input_columns,
        (y_1 + 0.5) / BINS * placement.input_rows,
    )
    if box is None:
        raise _refused(f"box {corners} lies in the padding, not on the image: check the placement", raw=raw)
    return box


def _fault(rest: str, *, after: int) -> str:
    where = f"after {after} whole objects"
    if not rest.lstrip().startswith("<obj>"):
        return f"text stands outside of <obj>...</obj> {where}: every statement of this codec is an object"
    if "</obj>" not in rest:
        return f"an object has no </obj> {where}: the answer is truncated; raise the token limit"
    return f"an object is malformed {where}: it is words, then boxes of four bins <x><y><x><y>, then </obj>"


def _refused(message: str, *, raw: str) -> CodecError:
    return CodecError(f"maira2@1: {message}", raw=raw)
