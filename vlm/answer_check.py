"""The checks that every answer passes before it is a report: not empty, not cut off, readable, not repeating itself.

None of them mends an answer: half an answer would look like a report with fewer findings.
"""

from __future__ import annotations

from cases.draft import FailureKind
from grounding.codecs.phrase import CodecError, Phrase
from grounding.codecs.registry import codec_named
from grounding.placement import Placement
from vlm.backend import Answer
from vlm.errors import AnswerError

SAME_PLACE_IOU = 0.9  # boxes that overlap this much say the same place again


def checked_phrases(answer: Answer, *, codec: str, placement: Placement) -> tuple[Phrase, ...]:
    """The phrases of an answer, at least one.

    Raises:
        AnswerError: with the kind of the fault and the whole answer as its raw text.
        LookupError: no codec has that name (a fault of the model's spec, not of its answer).
    """
    reader = codec_named(codec)
    if not answer.text.strip():
        msg = "the answer is empty: draft again, or read without a draft"
        raise AnswerError(FailureKind.EMPTY, msg, raw_text=answer.text)
    if answer.truncated:
        length = f"after {len(answer.tokens)} tokens" if answer.tokens else "at the token limit"
        msg = f"the answer was cut off {length}: raise max_new_tokens in the model's spec"
        raise AnswerError(FailureKind.TRUNCATED, msg, raw_text=answer.text)
    try:
        phrases = reader.decode(answer.text, placement=placement)
    except CodecError as fault:
        raise AnswerError(FailureKind.PARSE, str(fault), raw_text=answer.text) from fault
    repeated = repeated_phrase(phrases)
    if repeated is not None:
        msg = f"sentence {repeated + 1} says again what an earlier one said: draft again, or read without a draft"
        raise AnswerError(FailureKind.REPEATING, msg, raw_text=answer.text)
    return phrases


def repeated_phrase(phrases: tuple[Phrase, ...]) -> int | None:
    """The index of the first phrase that says again, at the same place, what an earlier one said; None if none does.

    The same words at another place are another lesion, not a repetition.

    >>> repeated_phrase((Phrase("No effusion."), Phrase("no effusion")))
    1
    """
    for index, phrase in enumerate(phrases):
        if any(_same(phrase, earlier) for earlier in phrases[:index]):
            return index
    return None


def _same(one: Phrase, other: Phrase) -> bool:
    if _words(one) != _words(other) or len(one.boxes) != len(other.boxes):
        return False
    return all(a.iou(b) >= SAME_PLACE_IOU for a, b in zip(one.boxes, other.boxes, strict=True))


def _words(phrase: Phrase) -> str:
    return " ".join(phrase.text.casefold().rstrip(" .;").split())
