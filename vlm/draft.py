"""From a case to its draft: one LangChain chain, prompt | chat model | parser.

A model's fault never raises here: it becomes a failed draft with its raw text. "Nothing found" is a sentence that the
model wrote; "nothing understood" is a failure. A case out of scope is abstained from without asking the model.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import BaseGenerationOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import ConfigDict

from cases.draft import Draft, StageSeconds
from cases.pixels import Rendered
from cases.study import Case
from grounding.derive import derive_sentence
from grounding.report import GroundedReport, GroundedSentence
from vlm.answer_check import checked_phrases
from vlm.backend import Answer, Backend
from vlm.box_score import box_scores
from vlm.chat import BackendChat, answer_of, human_message, untraced
from vlm.errors import AnswerError, BackendError
from vlm.families import Grounding, family_named
from vlm.grounding_pass import second_pass
from vlm.instructions import place_question
from vlm.limitations import clipped_boxes
from vlm.outcome import DraftWriter, Trace, identity
from vlm.prompt import load_template, tidy
from vlm.question import Question, fitting_prompt, question_of


@dataclass(frozen=True, slots=True)
class Reading:
    """What was made of a model's answer, or of its answers.

    Attributes:
        answer: the first, which holds the words.
        report: grounded as far as the model did.
        box_scores: one a box, or none.
        places_text: what a second pass was answered, "" without one.
    """

    answer: Answer
    report: GroundedReport
    box_scores: tuple[float, ...]
    places_text: str = ""

    @property
    def raw_text(self) -> str:
        """All that the model answered."""
        return "\n\n".join(text for text in (self.answer.text, self.places_text) if text)


@dataclass(slots=True)
class _Clock:
    """Seconds per stage, in the order in which the stages ended."""

    stages: list[StageSeconds] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        """The stage ends now; the next begins."""
        ended = time.perf_counter()
        self.stages.append(StageSeconds(stage, ended - self.started))
        self.started = ended


class ReportParser(BaseGenerationOutputParser[Reading]):
    """The chain's last link: an answer becomes a grounded report, or an `AnswerError` with the raw text."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    codec: str
    question: Question

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Reading:
        """The report of the one answer there is."""
        generation = result[0]
        if partial or not isinstance(generation, ChatGeneration):
            msg = "a draft is parsed from one whole chat answer"
            raise ValueError(msg)
        answer = answer_of(generation.message)
        report = report_of(answer, codec=self.codec, question=self.question)
        scores = box_scores(answer.tokens, answer.log_probabilities)
        return Reading(answer, report, scores if len(scores) == len(report.boxes) else ())


def report_of(answer: Answer, *, codec: str, question: Question) -> GroundedReport:
    """The grounded report that an answer spells.

    Raises:
        AnswerError: it is empty, truncated, unreadable, repeats itself, or makes a statement that cannot stand.
    """
    phrases = checked_phrases(answer, codec=codec, placement=question.placement)
    try:
        sentences = tuple(derive_sentence(phrase, notes=question.notes) for phrase in phrases)
        said = (*question.limitations, *clipped_boxes(sum(phrase.clipped for phrase in phrases)))
        return GroundedReport(sentences, limitations=said)
    except ValueError as fault:  # a CodecError among them
        raise AnswerError.unreadable(answer.text) from fault


def drafting_chain(backend: Backend, question: Question) -> Runnable[Question, Reading]:
    """Prompt | chat model | parser, for one question."""
    return (
        RunnableLambda(_message, name="prompt")
        | BackendChat(backend=backend)
        | ReportParser(codec=_first_codec(backend), question=question)
    )


def _first_codec(backend: Backend) -> str:
    """The spec's codec, or that of plain sentences where boxes are asked for afterwards."""
    family = family_named(backend.spec.family)
    return family.draft_codec if family.grounding is Grounding.SECOND_PASS else backend.spec.codec


def _message(question: Question) -> list[HumanMessage]:
    return [human_message(question.image, question.prompt.text, prior=question.prior)]


def draft_case(
    case: Case,
    *,
    pixels: Rendered | None,
    backend: Backend,
    now: Callable[[], datetime],
    new_id: Callable[[], str],
) -> Draft:
    """The draft of one case: a report, a failure or an abstention.

    Args:
        case: in scope or not.
        pixels: of its images, or of the current one alone; None only for a case that is abstained from.
        backend: that answers.
        now: UTC.
        new_id: for the draft.

    Raises:
        ValueError: the pixels are not those of the case (the caller's fault, not the model's).
    """
    writer = DraftWriter(identity(backend.spec), now, new_id)
    if case.abstention is not None:
        return writer.abstained(case)
    if pixels is None:
        msg = f"case {case.case_id} is in scope: give its pixels, by its image's sha256"
        raise ValueError(msg)
    clock = _Clock()
    side, family = backend.spec.input_side_px, family_named(backend.spec.family)
    prompt = fitting_prompt(case, backend)
    question = question_of(case, pixels=pixels, side=side, prompt=prompt, family=family)
    clock.lap("prepare")
    try:
        reading = _answered(backend, question, clock)
    except BackendError as fault:
        clock.lap("draft")
        return writer.failed(case, fault.failure, trace=Trace(fault.raw_text, question.placement, tuple(clock.stages)))
    clock.lap("draft")
    inner = tuple(StageSeconds(stage, seconds) for stage, seconds in reading.answer.seconds)
    trace = Trace(reading.raw_text, question.placement, (*clock.stages, *inner))
    return writer.written(case, reading.report, box_scores=reading.box_scores, trace=trace)


def _answered(backend: Backend, question: Question, clock: _Clock) -> Reading:
    """What the model answers: its draft, and in a second pass, for a family that has one, the places."""
    with untraced():
        reading = drafting_chain(backend, question).invoke(question)
        second = family_named(backend.spec.family).grounding is Grounding.SECOND_PASS
        if not second or question.image is None:
            return reading
        clock.lap("words")
        return placed(reading, backend=backend, question=question)


def placed(reading: Reading, *, backend: Backend, question: Question) -> Reading:
    """The reading with its findings' places, each asked for by a question of its own.

    Raises:
        BackendError: the model broke down; what it had answered until then is in its raw text.
    """
    spec = backend.spec
    template, chat = load_template(spec.prompt), BackendChat(backend=backend)

    def ask(sentence: GroundedSentence) -> Answer:
        words = place_question(tidy(sentence.text), text=template.text, placement=question.placement)
        return answer_of(chat.invoke([human_message(question.image, words)]))

    try:
        grounded = second_pass(reading.report, ask=ask, codec=spec.codec, placement=question.placement)
    except BackendError as fault:
        raise BackendError(fault.kind, str(fault), raw_text=reading.raw_text) from fault
    return Reading(reading.answer, grounded.report, grounded.box_scores, grounded.raw_text)
