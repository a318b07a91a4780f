"""From a case to its draft: one LangChain chain, prompt | chat model | parser.

A model's fault never raises here: it becomes a failed draft with its raw text. "Nothing found" is a sentence that the
model wrote; "nothing understood" is a failure. A case out of scope is abstained from without asking the model.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import BaseGenerationOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import Runnable, RunnableLambda
from numpy.typing import NDArray
from pydantic import ConfigDict

from cases.draft import Draft, StageSeconds
from cases.study import Case, InputName
from grounding.derive import derive_sentence
from grounding.placement import Placement
from grounding.report import GroundedReport, GroundedSentence
from vlm.answer_check import checked_phrases
from vlm.backend import Answer, Backend, PromptMeter
from vlm.box_score import box_scores
from vlm.chat import BackendChat, answer_of, human_message, untraced
from vlm.errors import AnswerError, BackendError
from vlm.families import Family, Grounding, family_named
from vlm.grounding_pass import second_pass
from vlm.instructions import asked, place_question
from vlm.limitations import clipped_boxes, limitations
from vlm.outcome import DraftWriter, Trace, identity
from vlm.preprocess import fitted, model_input
from vlm.prompt import Prompt, is_missing, load_template, render, tidy

BUDGETS_CHARS = (2500, 900, 600, 400, 250, 120, 0)  # tried below the family's own, until the model can take the prompt


@dataclass(frozen=True, slots=True)
class Question:
    """What one case asks of a model.

    Attributes:
        prompt: the words, and what is not in them.
        image: the model's input, (rows, columns) uint8; None when the image is excluded from the case's inputs.
        placement: where the radiograph lies in `image`.
        notes: per used note, the text that the model read; a citation can only come from there.
        limitations: what the report will not have taken into account.
    """

    prompt: Prompt
    image: NDArray[np.uint8] | None
    placement: Placement
    notes: dict[str, str]
    limitations: tuple[str, ...]


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


def question_of(
    case: Case, *, pixels: NDArray[np.uint16], side: int, prompt: Prompt, family: Family | None = None
) -> Question:
    """Everything that one case asks of a model whose input has that side.

    Args:
        case: in scope.
        pixels: its rendered image, (rows, columns) uint16.
        side: of the model's input, as its family fits an image into it.
        prompt: as rendered for the case.
        family: of the model; the embedded one's by default.

    Raises:
        ValueError: the pixels are not those of the case's image.
    """
    if case.image is None or pixels.shape != (case.image.rows, case.image.columns):
        msg = f"the pixels {pixels.shape} are not those of case {case.case_id}: get them by its image's sha256"
        raise ValueError(msg)
    kind = family or family_named("overread")
    image, placement = model_input(pixels, side=side, fit=kind.fit)
    return Question(
        prompt=prompt,
        image=None if is_missing(case, InputName.CURRENT_IMAGE) else image,
        placement=placement,
        notes=prompt.seen_text(case),
        limitations=limitations(case, prompt=prompt, placement=placement, family=kind),
    )


def fitting_prompt(case: Case, backend: Backend) -> Prompt:
    """The fullest prompt that the backend's model can take, by its own count of tokens where it has one.

    A budget in characters fits ordinary English; other scripts may need a token for each byte.
    """
    spec = backend.spec
    family, template = family_named(spec.family), load_template(spec.prompt)
    columns, rows = (1, 1) if case.image is None else (case.image.columns, case.image.rows)
    placement = fitted(columns, rows, fit=family.fit, side=spec.input_side_px)
    prompt = Prompt("")
    for budget in (family.budget_chars, *(size for size in BUDGETS_CHARS if size < family.budget_chars)):
        prompt = render(case, template=template, budget_chars=budget)
        prompt = replace(prompt, text=asked(prompt.text, text=template.text, placement=placement))
        if not isinstance(backend, PromptMeter) or backend.fits(prompt.text):
            break
    return prompt


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
    return [human_message(question.image, question.prompt.text)]


def draft_case(
    case: Case,
    *,
    pixels: NDArray[np.uint16] | None,
    backend: Backend,
    now: Callable[[], datetime],
    new_id: Callable[[], str],
) -> Draft:
    """The draft of one case: a report, a failure or an abstention.

    Args:
        case: in scope or not.
        pixels: its rendered image, (rows, columns) uint16; None only for a case that is abstained from.
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
