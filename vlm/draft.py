"""From a case to its draft: one LangChain chain, prompt | chat model | parser.

A model's fault never raises here: it becomes a failed draft with its raw text. "Nothing found" is a sentence that the
model wrote; "nothing understood" is a failure. A case out of scope is abstained from without asking the model.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
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
from grounding.report import GroundedReport
from vlm.answer_check import checked_phrases
from vlm.backend import Answer, Backend, PromptMeter
from vlm.box_score import box_scores
from vlm.chat import BackendChat, answer_of, human_message, untraced
from vlm.errors import AnswerError, BackendError
from vlm.limitations import limitations
from vlm.outcome import DraftWriter, Trace, identity
from vlm.preprocess import model_input
from vlm.prompt import BUDGET_CHARS, Prompt, is_missing, load_template, render

BUDGETS_CHARS = (BUDGET_CHARS, 600, 400, 250, 120)


@dataclass(frozen=True, slots=True)
class Question:
    """What one case asks of a model.

    Attributes:
        prompt: the words, and what is not in them.
        image: the model's input, (side, side) uint8; None when the image is excluded from the case's inputs.
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
    """What the parser made of an answer."""

    answer: Answer
    report: GroundedReport
    box_scores: tuple[float, ...]


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
        return GroundedReport(sentences, limitations=question.limitations)
    except ValueError as fault:  # a CodecError among them
        raise AnswerError.unreadable(answer.text) from fault


def question_of(case: Case, *, pixels: NDArray[np.uint16], side: int, prompt: Prompt) -> Question:
    """Everything that one case asks of a model whose input has that side.

    Raises:
        ValueError: the pixels are not those of the case's image.
    """
    if case.image is None or pixels.shape != (case.image.rows, case.image.columns):
        msg = f"the pixels {pixels.shape} are not those of case {case.case_id}: get them by its image's sha256"
        raise ValueError(msg)
    image, placement = model_input(pixels, side=side)
    return Question(
        prompt=prompt,
        image=None if is_missing(case, InputName.CURRENT_IMAGE) else image,
        placement=placement,
        notes=prompt.seen_text(case),
        limitations=limitations(case, prompt=prompt, placement=placement),
    )


def fitting_prompt(case: Case, backend: Backend) -> Prompt:
    """The fullest prompt that the backend's model can take, by its own count of tokens where it has one.

    A budget in characters fits ordinary English; other scripts may need a token for each byte.
    """
    template = load_template(backend.spec.prompt)
    for budget in BUDGETS_CHARS:
        prompt = render(case, template=template, budget_chars=budget)
        if not isinstance(backend, PromptMeter) or backend.fits(prompt.text):
            return prompt
    return render(case, template=template, budget_chars=0)


def drafting_chain(backend: Backend, question: Question) -> Runnable[Question, Reading]:
    """Prompt | chat model | parser, for one question."""
    return (
        RunnableLambda(_message, name="prompt")
        | BackendChat(backend=backend)
        | ReportParser(codec=backend.spec.codec, question=question)
    )


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
    side = backend.spec.input_side_px
    question = question_of(case, pixels=pixels, side=side, prompt=fitting_prompt(case, backend))
    clock.lap("prepare")
    try:
        with untraced():
            reading = drafting_chain(backend, question).invoke(question)
    except BackendError as fault:
        clock.lap("draft")
        return writer.failed(case, fault.failure, trace=Trace(fault.raw_text, question.placement, tuple(clock.stages)))
    clock.lap("draft")
    inner = tuple(StageSeconds(stage, seconds) for stage, seconds in reading.answer.seconds)
    trace = Trace(reading.answer.text, question.placement, (*clock.stages, *inner))
    return writer.written(case, reading.report, box_scores=reading.box_scores, trace=trace)
