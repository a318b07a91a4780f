"""The ways in which an answer may come to a drafted sentence, each an answer to be scored and the part that counts.

Pure text. Three manners are told apart, so that they can be compared on cases whose right input is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from grounding.attribution import EvidenceInput
from vlm.spoken import Spoken

OPENING: Final = "<obj>"  # of a sentence, in the codecs that have one


class Manner(StrEnum):
    """In which answer a sentence is scored."""

    IN_DRAFT = "in_draft"  # where the draft has it: given all that stands before it
    REMARKED = "remarked"  # likewise, or after a remark on an input that the coalition lacks
    FIRST = "first"  # as the first sentence of an answer: given nothing


SHOWN: Final = Manner.REMARKED  # the one that the product shows: see `overread eval attribution`


@dataclass(frozen=True, slots=True)
class Way:
    """One answer that says a sentence.

    Attributes:
        sentence: its index in the draft.
        answer: the words to be scored.
        counted: [start, end) of the answer's characters whose tokens count.
        lacking: the way is open only where this input is missing; None for always.
    """

    sentence: int
    answer: str
    counted: tuple[int, int]
    lacking: EvidenceInput | None = None


def ways_to(said: Spoken, remarks: Mapping[EvidenceInput, str], *, manner: Manner) -> tuple[Way, ...]:
    """Every way to every sentence of a draft.

    Args:
        said: the draft's answer and its sentences.
        remarks: what the model says, as it spells a whole sentence, where an input is missing.
        manner: FIRST has one way a sentence, each an answer of its own; IN_DRAFT has the draft; REMARKED has the draft
            and a way by each remark that the draft has not made by then.
    """
    count = range(len(said.words))
    if manner is Manner.FIRST:
        return tuple(_first(said, index) for index in count)
    draft = tuple(Way(index, said.answer, said.words[index]) for index in count)
    if manner is Manner.IN_DRAFT:
        return draft
    return (*draft, *(way for index in count for way in _remarked(said, index, remarks)))


def _first(said: Spoken, sentence: int) -> Way:
    """The answer begins as the draft's does, with that sentence for its first, and ends with it."""
    opening, (start, end) = said.answer[: said.words[0][0]], said.words[sentence]
    words = said.answer[start:end]
    return Way(sentence, opening + words, (len(opening), len(opening) + len(words)))


def _remarked(said: Spoken, sentence: int, remarks: Mapping[EvidenceInput, str]) -> Iterator[Way]:
    """The draft until that sentence, a remark, and the sentence; the remark counts as well, but for its opening."""
    start, end = said.words[sentence]
    before, words = said.answer[:start], said.answer[start:end]
    if not before.endswith(OPENING):
        return
    for lacking, remark in remarks.items():
        if remark not in before and remark.removeprefix(OPENING).partition("<")[0] != words:
            answer = before.removesuffix(OPENING) + remark + OPENING + words
            yield Way(sentence, answer, (start, len(answer)), lacking)
