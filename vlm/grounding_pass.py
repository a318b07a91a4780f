"""The second pass of a model that only wrote text: each finding is asked for again, with its boxes.

One question for each sentence that a box could show, through the same backend, codec and grammar as any answer. A
sentence whose second answer cannot be read, shows no place, or speaks of another finding stays as it was, without
boxes, and the limitations say so; a model that breaks down fails the whole draft, as in the first pass. Words of the
first answer are never changed here.

Source: the idea of MAIRA-2's phrase grounding (arXiv:2406.04449) and of MedGrounder (arXiv:2512.01085).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from cases.draft import FailureKind
from grounding.box import Box
from grounding.codecs.phrase import Phrase
from grounding.context import read
from grounding.findings import Finding, related
from grounding.placement import Placement
from grounding.report import GroundedReport, GroundedSentence, Polarity
from vlm.answer_check import checked_phrases
from vlm.backend import Answer
from vlm.box_score import box_scores
from vlm.errors import AnswerError
from vlm.limitations import clipped_boxes

MOST_QUESTIONS = 12  # each costs a whole answer; a draft has a deadline
UNREADABLE = frozenset({FailureKind.PARSE, FailureKind.EMPTY, FailureKind.TRUNCATED, FailureKind.REPEATING})


@dataclass(frozen=True, slots=True)
class Grounded:
    """A report after its second pass.

    Attributes:
        report: the same sentences, with the boxes that were found; its limitations name those that were not.
        box_scores: one a box, or none where an answer came without token probabilities.
        raw_text: what the model answered to each question, under the number of its sentence.
    """

    report: GroundedReport
    box_scores: tuple[float, ...]
    raw_text: str


@dataclass(frozen=True, slots=True)
class _Found:
    """What one second answer gave: boxes, or the reason why none can be had from it."""

    answer: Answer
    boxes: tuple[Box, ...] = ()
    scores: tuple[float, ...] = ()
    clipped: int = 0
    fault: str = ""


def second_pass(
    report: GroundedReport, *, ask: Callable[[GroundedSentence], Answer], codec: str, placement: Placement
) -> Grounded:
    """The report with boxes for its findings.

    Args:
        report: of the first answer, without boxes.
        ask: puts the question about one sentence to the model.
        codec: that reads the answers, "name@version".
        placement: of the image in the model's input.

    Raises:
        BackendError: the model broke down (an answer that cannot be read is no such thing).
    """
    wanted = [number for number, sentence in enumerate(report.sentences) if sentence.groundable]
    found = {
        number: _found(ask(report.sentences[number]), report.sentences[number], codec=codec, placement=placement)
        for number in wanted[:MOST_QUESTIONS]
    }
    sentences = tuple(
        replace(sentence, boxes=found[number].boxes) if number in found else sentence
        for number, sentence in enumerate(report.sentences)
    )
    scores = tuple(score for one in found.values() for score in one.scores)
    whole = GroundedReport(sentences, limitations=(*report.limitations, *_said(found, wanted[MOST_QUESTIONS:])))
    return Grounded(whole, scores if len(scores) == len(whole.boxes) else (), _raw(found))


def _said(found: Mapping[int, _Found], unasked: Sequence[int]) -> tuple[str, ...]:
    """What the second pass did not find, as limitations."""
    return (
        *(
            f"Sentence {number + 1}: {one.fault}; it stands without boxes."
            for number, one in found.items()
            if one.fault
        ),
        *(f"Sentence {number + 1}: not asked where it is, only {MOST_QUESTIONS} are." for number in unasked),
        *clipped_boxes(sum(one.clipped for one in found.values())),
    )


def _found(answer: Answer, sentence: GroundedSentence, *, codec: str, placement: Placement) -> _Found:
    try:
        phrases = checked_phrases(answer, codec=codec, placement=placement)
    except AnswerError as fault:
        if fault.kind not in UNREADABLE:
            raise
        return _Found(answer, fault="the model's answer to where it is could not be read")
    if not all(_speaks_of(sentence, phrase) for phrase in phrases):
        return _Found(answer, fault="asked where it is, the model spoke of something else")
    boxes = tuple(box for phrase in phrases for box in phrase.boxes)
    if not boxes:
        return _Found(answer, fault="asked where it is, the model showed no place")
    scores = box_scores(answer.tokens, answer.log_probabilities)
    return _Found(answer, boxes, scores if len(scores) == len(boxes) else (), sum(phrase.clipped for phrase in phrases))


def _speaks_of(sentence: GroundedSentence, phrase: Phrase) -> bool:
    """Whether a second answer may show what the sentence says; words that name no finding contradict nothing."""
    about = read(phrase.text).primary
    if about is None or sentence.finding is None:
        return True
    if about.polarity is Polarity.ABSENT:
        return not phrase.boxes
    return related(about.finding, Finding(sentence.finding))


def _raw(found: Mapping[int, _Found]) -> str:
    return "\n\n".join(f"[where is sentence {number + 1}?]\n{one.answer.text}" for number, one in found.items())
