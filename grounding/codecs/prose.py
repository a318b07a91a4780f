"""The answer of a model that only writes text: plain sentences, each one statement, none with a box.

Boxes are asked for afterwards (`vlm.grounding_pass`). What looks like another spelling (brackets of JSON, special
tokens) is refused, since a box in it would go unread; so is an answer whose last sentence has no end. Reasoning that
closes with `</think>` or `</thinking>` is left out, and bold marks are taken off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from grounding.codecs.json_list import bare, refusing, words_of
from grounding.codecs.phrase import Phrase
from grounding.placement import Placement
from grounding.sentences import spans

NAME: Final = "prose@1"
_REASONED: Final = re.compile(r"\A.*</think(?:ing)?>", re.DOTALL)
_MARKUP: Final = re.compile(r"[{}\[\]]|```|</?[A-Za-z|]")
_ENDS: Final = re.compile(r"[.!?][\"')]*\Z")


@dataclass(frozen=True, slots=True)
class ProseCodec:
    """Reads plain sentences.

    >>> from grounding.placement import letterbox
    >>> ProseCodec().decode("No effusion. Nodule, 1.5 cm.", placement=letterbox(8, 8, side=8))
    (Phrase(text='No effusion.', boxes=()), Phrase(text='Nodule, 1.5 cm.', boxes=()))
    """

    name: str = NAME

    def decode(self, text: str, *, placement: Placement) -> tuple[Phrase, ...]:  # noqa: ARG002 - prose has no boxes
        """The sentences of an answer, at least one, in order.

        Raises:
            CodecError: it is empty, its last sentence has no end, or it holds marks of another spelling.
        """
        with refusing(NAME, raw=text):
            answer = _REASONED.sub("", bare(text)).strip().removeprefix("<answer>").replace("**", "").strip()
            if _MARKUP.search(answer):
                msg = "brackets, fences or tokens stand in the prose: the answer is of another spelling, name its codec"
                raise ValueError(msg)
            if not _ENDS.search(answer):
                msg = "the last sentence has no end: the answer is truncated; raise the token limit"
                raise ValueError(msg)
            phrases = tuple(Phrase(words_of(answer[span.start : span.end])) for span in spans(answer))
            if not phrases:
                msg = "there is no sentence in the answer: keep it as a failed draft"
                raise ValueError(msg)
            return phrases
