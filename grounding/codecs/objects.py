"""The statements that MAIRA-2's grammar and ours share: `<obj>words<box>...</box></obj>`, one after the other.

Every object is one statement with as many boxes as it has places, or none. How a box is spelt is the codec's own. It
is not lenient: what cannot be read in full is a `CodecError`, since half an answer looks like a report with fewer
findings.

Source: Bannur et al., "MAIRA-2: Grounded Radiology Report Generation", arXiv:2406.04449.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from grounding.box import Box
from grounding.codecs.phrase import CodecError, Phrase

_WORDS: Final = r"(?:[^<]|<(?![/A-Za-z]))*"  # any text; "<" is allowed where it opens no token, as in "< 5 mm"


class ObjectGrammar:
    """Reads the objects of one codec.

    Args:
        codec: name and version, for its errors.
        box: pattern of one box; its groups are whole numbers, the box's steps.
        shape: what a box is, in words, for its errors.
    """

    def __init__(self, codec: str, *, box: str, shape: str) -> None:
        """Compile the pattern of an object around that of a box."""
        self.codec = codec
        self._shape = shape
        self._box = re.compile(box)
        self._object = re.compile(rf"\s*<obj>(?P<words>{_WORDS})(?P<boxes>(?:{box}\s*)*)</obj>\s*")

    def read(self, text: str, *, box_of: Callable[[tuple[int, ...]], Box]) -> tuple[Phrase, ...]:
        """The phrases of an answer, at least one, in order.

        Args:
            text: the answer, special tokens kept; `<s>` at its start and `</s>` at its end are allowed.
            box_of: the box of a tuple of steps; a ValueError of it becomes a CodecError.

        Raises:
            CodecError: the answer is empty or truncated, text stands outside of an object, an object has no words or
                is malformed, or a box is refused.
        """
        answer = text.strip().removeprefix("<s>").removesuffix("</s>").strip()
        if not answer:
            raise self._refused("the answer is empty: keep it as a failed draft, it is not a normal image", raw=text)
        phrases: list[Phrase] = []
        position = 0
        while position < len(answer):
            found = self._object.match(answer, position)
            if found is None:
                raise self._refused(self._fault(answer[position:], after=len(phrases)), raw=text)
            phrases.append(self._phrase(found, box_of=box_of, raw=text))
            position = found.end()
        return tuple(phrases)

    def _phrase(self, found: re.Match[str], *, box_of: Callable[[tuple[int, ...]], Box], raw: str) -> Phrase:
        words = found["words"].strip()
        if not words:
            raise self._refused("an object has no words: a box must say what it shows", raw=raw)
        steps = (tuple(int(group) for group in box.groups()) for box in self._box.finditer(found["boxes"]))
        try:
            return Phrase(words, tuple(box_of(one) for one in steps))
        except ValueError as fault:
            raise self._refused(str(fault), raw=raw) from fault

    def _fault(self, rest: str, *, after: int) -> str:
        where = f"after {after} whole objects"
        if not rest.lstrip().startswith("<obj>"):
            return f"text stands outside of <obj>...</obj> {where}: every statement of this codec is an object"
        if "</obj>" not in rest:
            return f"an object has no </obj> {where}: the answer is truncated; raise the token limit"
        return f"an object is malformed {where}: it is words, then {self._shape}, then </obj>"

    def _refused(self, message: str, *, raw: str) -> CodecError:
        return CodecError(f"{self.codec}: {message}", raw=raw)


def spell_objects(phrases: Sequence[Phrase], *, box_tokens: Callable[[Box], str]) -> str:
    """The objects that read back as these phrases.

    Args:
        phrases: their words open no token.
        box_tokens: the tokens of one box, without `<box>` around them.
    """
    return "".join(
        f"<obj>{phrase.text}{''.join(f'<box>{box_tokens(box)}</box>' for box in phrase.boxes)}</obj>"
        for phrase in phrases
    )
