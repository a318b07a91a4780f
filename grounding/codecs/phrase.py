"""What every codec yields: phrases, with boxes in the original frame, or a typed error; never an empty result.

A phrase is not yet a sentence of a report: finding, polarity, side and citations are derived from its words by
`grounding.derive`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from grounding.box import Box
from grounding.placement import Placement


class CodecError(ValueError):
    """A model's answer that its codec could not read in full.

    The message names the rule, the value and the way out, and quotes no more than the offending token, since a model
    may repeat its prompt; the whole answer is in `raw`, for the failed draft.

    Attributes:
        raw: the answer, as the model gave it.
    """

    def __init__(self, message: str, *, raw: str) -> None:
        """Keep the whole answer beside the message."""
        super().__init__(message)
        self.raw = raw

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way out of a child process with `raw` intact."""
        return _rebuilt, (str(self), self.raw)


def _rebuilt(message: str, raw: str) -> CodecError:
    return CodecError(message, raw=raw)


@dataclass(frozen=True, slots=True)
class Phrase:
    """One statement of an answer, as the model worded it, with the boxes it gave.

    Attributes:
        text: the words, without box tokens, with outer white space removed.
        boxes: in the original displayed frame; empty when the model gave none.
        clipped: how many of the boxes reached past the image and were cut at its edge (codecs that clip say so).
    """

    text: str
    boxes: tuple[Box, ...] = ()
    clipped: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        """Refuse a phrase without words: boxes that nobody described are a codec error."""
        if not self.text.strip():
            msg = f"a phrase has words: {len(self.boxes)} boxes stand without any"
            raise ValueError(msg)


@runtime_checkable
class Codec(Protocol):
    """Reads one model family's spelling of grounded answers."""

    @property
    def name(self) -> str:
        """Name and version, for example "overread-cells@1": stored with each draft."""
        ...

    def decode(self, text: str, *, placement: Placement) -> tuple[Phrase, ...]:
        """The phrases of an answer, at least one, in order.

        Args:
            text: the answer, special tokens kept.
            placement: how the image was laid into the model's input; boxes come back through its inverse.

        Raises:
            CodecError: the answer is empty, truncated or malformed, or a box is no box.
        """
        ...
