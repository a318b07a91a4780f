"""Raw scores of drafted sentences, by several methods; larger is surer, and none of them is a probability yet.

- `SEQUENCE`: mean log-probability per token of the sentence's words, given the case and the draft before them.
- `YES_NO`: log-odds, at the sentence's place in the draft, of its stand (finding, polarity, side) against everything
  else that the model could write there (`vlm.statement_probe`); for models with a closed book of statements.
- `BOX`: log of the model's own probability of the sentence's boxes (`vlm.box_score`), the least sure one; for sentences
  with boxes only.
- `YES_NO_BOX`: `YES_NO`, plus `BOX` where the sentence shows boxes: the stand and the place.
- `SAMPLES`: how often drafts of slightly shifted images repeat the sentence (`vlm.agreement`).

Log-odds count less where inputs are missing (`grounding.confidence.widened`).
The first four come from one pass over image and prompt. A sentence that takes no stand on the image (history, "no prior
report") is not scored. Not here: what a score is worth (`grounding.confidence`, `vlm.confidence`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cases.draft import Draft
from cases.pixels import Rendered
from cases.study import Case, InputName
from grounding.confidence import widened
from grounding.report import GroundedReport
from grounding.stance import Stance, stance_of
from vlm.agreement import agreement
from vlm.backend import Backend, Scored, ScoringBackend
from vlm.families import family_named
from vlm.model_spec import ModelSpec
from vlm.prompt import is_missing
from vlm.score import score_case
from vlm.spoken import spoken
from vlm.statement_probe import beginnings, log_odds

OBJECT = "<obj>"  # opens a statement in the spellings that have such a mark


class Method(StrEnum):
    """How a raw score is made; cheap ones first."""

    SEQUENCE = "sequence"
    YES_NO = "yes_no"
    BOX = "box"
    YES_NO_BOX = "yes_no_box"
    SAMPLES = "samples"


Scores = tuple[float | None, ...]
LOG_ODDS = frozenset({Method.YES_NO, Method.YES_NO_BOX})
FORCED = frozenset({Method.SEQUENCE, Method.YES_NO, Method.YES_NO_BOX})


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a sentence stands in a model's answer.

    Attributes:
        index: of the sentence in the report.
        before: the answer up to the statement's opening mark.
        opened: the same with the mark; equal to `before` in spellings without one.
        text: the sentence's words, as the answer spells them.
    """

    index: int
    before: str
    opened: str
    text: str
    stance: Stance

    @property
    def whole(self) -> str:
        """The answer up to and with the sentence's words."""
        return self.opened + self.text


def raw_scores(
    case: Case, *, pixels: Rendered, draft: Draft, backend: Backend, methods: Collection[Method]
) -> Mapping[Method, Scores]:
    """The scores of every sentence of a draft; None for a sentence that a method cannot score.

    Args:
        case: that was drafted, with the inputs that the draft had.
        pixels: of its images, or of the current one alone.
        draft: of exactly this case by exactly this backend's model; scores of another's draft mean nothing.
        backend: one that cannot be asked for log-probabilities only has `BOX` and `SAMPLES`.
        methods: those wanted.

    Raises:
        BackendError: the model's fault.
    """
    if draft.report is None:
        return dict.fromkeys(methods, ())
    found: dict[Method, Scores] = {}
    if FORCED & set(methods) and isinstance(backend, ScoringBackend):
        found |= _forced(case, pixels, draft, backend)
    if {Method.BOX, Method.YES_NO_BOX} & set(methods):
        found[Method.BOX] = box_logs(draft.report, draft.box_scores)
        found[Method.YES_NO_BOX] = _with_box(found.get(Method.YES_NO), found[Method.BOX], draft.report)
    if Method.SAMPLES in methods:
        found[Method.SAMPLES] = agreement(case, pixels=pixels, report=draft.report, backend=backend)
    nothing, missing = (None,) * len(draft.report.sentences), context_missing(case, backend.spec)
    return {
        method: tuple(_counted(score, method, missing) for score in found.get(method, nothing)) for method in methods
    }


def context_missing(case: Case, spec: ModelSpec) -> int:
    """How many inputs beside the current image this model reads and this case lacks."""
    unread = family_named(spec.family).never_reads(prior_image_given=case.prior_image is not None)
    there = {
        InputName.PRIOR_IMAGE: case.prior_image is not None,
        InputName.PRIOR_NOTES: bool(case.notes),
        InputName.INDICATION: case.indication is not None,
        InputName.STRUCTURED_VALUES: bool(case.observations),
    }
    read = (name for name in there if name not in unread)
    return sum(not there[name] or is_missing(case, name) for name in read)


def _counted(score: float | None, method: Method, missing: int) -> float | None:
    """The score as it counts with so many inputs missing (`grounding.confidence.widened`); log-odds only."""
    return widened(score, missing=missing) if score is not None and method in LOG_ODDS else score


def placed_sentences(draft: Draft) -> tuple[Placed, ...]:
    """The sentences that take a stand, where `vlm.spoken` finds them in the answer; none where it does not find all."""
    said = spoken(draft)
    if said is None or draft.report is None:
        return ()
    found = []
    for index, (sentence, (start, end)) in enumerate(zip(draft.report.sentences, said.words, strict=True)):
        opened, stance = said.answer[:start], stance_of(sentence.text)
        if stance is not None:
            found.append(Placed(index, opened.removesuffix(OBJECT), opened, said.answer[start:end], stance))
    return tuple(found)


def box_logs(report: GroundedReport, box_scores: Sequence[float]) -> Scores:
    """Natural log of each sentence's least probable box; None for a sentence without boxes, or boxes without scores."""
    given = iter(box_scores if len(box_scores) == len(report.boxes) else ())
    logs: list[float | None] = []
    for sentence in report.sentences:
        own = [score for score in (next(given, None) for _ in sentence.boxes) if score is not None]
        logs.append(_log(min(own)) if own else None)
    return tuple(logs)


def _with_box(stand: Scores | None, boxes: Scores, report: GroundedReport) -> Scores:
    """The stand's log-odds, plus the box's log-probability where the sentence shows one."""
    scores = (None,) * len(boxes) if stand is None else stand
    return tuple(
        None if score is None or (box is None and sentence.boxes) else score + (box or 0.0)
        for score, box, sentence in zip(scores, boxes, report.sentences, strict=True)
    )


def _forced(case: Case, pixels: Rendered, draft: Draft, backend: ScoringBackend) -> dict[Method, Scores]:
    """The two scores that are read off teacher-forced log-probabilities, from one pass."""
    placed, ways = placed_sentences(draft), beginnings(backend.spec)
    asked = [text for one in placed for text in (one.before, one.opened, one.whole) if text]
    asked += [one.opened + way.text for one in placed for way in ways]
    wanted = tuple(dict.fromkeys(asked))  # each once, in order
    scored = score_case(case, pixels=pixels, backend=backend, continuations=wanted)
    known = {"": Scored(()), **dict(zip(wanted, scored, strict=True))}
    sequence: list[float | None] = [None] * len(draft.report.sentences if draft.report else ())
    yes_no = list(sequence)
    for one in placed:
        sequence[one.index] = _per_token(known[one.opened], known[one.whole])
        given = known[one.before].total
        if not math.isfinite(given):
            continue  # what stands before it is impossible: nothing follows from there
        totals = [known[one.opened + way.text].total - given for way in ways]
        opened = known[one.opened].total - given
        yes_no[one.index] = log_odds(one.stance, totals, spec=backend.spec, opened=opened)
    return {Method.SEQUENCE: tuple(sequence), Method.YES_NO: tuple(yes_no)}


def _per_token(start: Scored, whole: Scored) -> float | None:
    """Mean log-probability of the tokens that `whole` has more; None where its words made none, or none possible."""
    more = len(whole.log_probabilities) - len(start.log_probabilities)
    gained = whole.total - start.total
    return gained / more if more > 0 and math.isfinite(gained) else None


def _log(probability: float) -> float:
    return math.log(max(probability, 1e-300))
