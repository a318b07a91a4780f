"""What becomes of a draft when inputs are missing? Every case is drafted from each of the 32 subsets of its inputs.

Asked of each draft: did it fail; does it name each missing input with what its absence forbids; and where no prior of
any kind was read, does it say that change cannot be assessed, and is each sentence that claims a change all the same
flagged (`grounding.check`, rule comparison-without-prior)? What claims a change is told here by other words than the
rule uses, so that the rule is judged and not repeated. Findings are held against the truth (`evals.report`); how sure
the draft was and which triggers it raised are given by whoever measures them, else None: not measured.

Lesions are inserted, notes are truthful: what a missing input costs here is not what it costs in a hospital.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cases.draft import Draft, DraftStatus, ModelIdentity
from cases.pixels import Pixels
from cases.study import Case, InputName
from evals.calibration_cases import is_right
from evals.faults import Faults, draft_faults
from evals.missing_cases import SUBSETS, Inputs, WholeCase, given
from evals.report import Judged, judge
from evals.trial import Drafter
from grounding.check import Rule, violations
from grounding.confidence import Confidence, ConfidenceSet
from grounding.report import GroundedReport
from grounding.triggers import Action, Trigger

PRIORS: Final = frozenset({InputName.PRIOR_IMAGE, InputName.PRIOR_NOTES})
CHANGE_WORDS: Final = re.compile(
    r"\b(new(ly)?|larger|smaller|bigger|increas\w+|decreas\w+|gr[eo]w\w*|shr[aiu]nk\w*|stable|unchanged|worse\w*"
    r"|improv\w+|resolv\w+|progress\w+|regress\w+|no longer|interval|since|compar\w+|previous\w*|prior|earlier)\b",
    re.IGNORECASE,
)
DECLINED: Final = re.compile(
    r"\bno (prior|previous|earlier|comparison)\b|\b(cannot|not) be (assessed|compared)\b", re.I
)
FORBIDDEN: Final = re.compile(r"change cannot be assessed", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one draft besides its words; each None where it was not.

    Attributes:
        confidences: of each drafted sentence.
        triggers: that its evidence raised.
    """

    confidences: tuple[Confidence | None, ...] | None = None
    triggers: tuple[Trigger, ...] | None = None


Measure = Callable[[Case, Pixels, Draft], Measured]


@dataclass(frozen=True, slots=True)
class Sure:
    """A judged sentence with a confidence.

    Attributes:
        probability: that it is right, None where nothing calibrated covers it.
        right: whether it is.
        review: whether it needs a look; None where that was not measured.
    """

    probability: float | None
    right: bool
    review: bool | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case drafted from one subset.

    Attributes:
        named: each missing input is named, with what its absence forbids; None for a draft without a report.
        forbids_change: it says that change cannot be assessed; None where a prior was given, or without a report.
        change_claimed: sentences that claim a change although no prior was given; None where one was.
        change_unflagged: those of them that no violation marks.
        sure: its judged sentences; None where confidence was not measured.
        triggers: ids of the rules that fired; None where not measured. asks: whether one asks for a second reader.
    """

    inputs: Inputs
    patient: str
    status: DraftStatus
    judged: Judged
    named: bool | None
    forbids_change: bool | None
    change_claimed: int | None
    change_unflagged: int | None
    sure: tuple[Sure, ...] | None
    triggers: tuple[str, ...] | None
    asks: bool | None


@dataclass(frozen=True, slots=True)
class MissingRun:
    """All outcomes of a run, case by case, each in the order of `SUBSETS`."""

    outcomes: tuple[Outcome, ...]
    cases: int
    faults: Faults
    seed: int
    model: ModelIdentity | None
    ground: str


def run(
    cases: Iterable[WholeCase], *, draft: Drafter, seed: int, ground: str, measure: Measure | None = None
) -> MissingRun:
    """Draft every case from every subset of its inputs.

    Args:
        cases: taken one at a time.
        draft: the product's own path.
        seed: that the cases were made with; also of the bootstrap.
        ground: what the lesions were put into, in words, for the record.
        measure: confidence and triggers of a draft with a report; None leaves both unmeasured.
    """
    faults: list[Draft] = []
    outcomes: list[Outcome] = []
    count = 0
    for whole in cases:
        count += 1
        for drafted, outcome in _outcomes(whole, draft, measure):
            faults.append(drafted)
            outcomes.append(outcome)
    model = faults[0].model if faults else None
    return MissingRun(tuple(outcomes), count, draft_faults(faults), seed, model, ground)


def _outcomes(whole: WholeCase, draft: Drafter, measure: Measure | None) -> Iterator[tuple[Draft, Outcome]]:
    for inputs in SUBSETS:
        case, pixels = given(whole, inputs)
        drafted = draft(case, pixels=pixels)
        measured = Measured() if measure is None or drafted.report is None else measure(case, pixels, drafted)
        yield drafted, outcome_of(whole, inputs, drafted, measured)


def outcome_of(whole: WholeCase, inputs: Inputs, draft: Draft, measured: Measured) -> Outcome:
    """What one draft from one subset came to."""
    report, patient = draft.report, whole.trial.patient
    without_prior = not inputs & PRIORS
    claimed, unflagged = changes_claimed(report) if report is not None and without_prior else (None, None)
    return Outcome(
        inputs=inputs,
        patient=patient,
        status=draft.status,
        judged=judge(report, whole.truth, patient=patient),
        named=None if report is None else names_missing(report, inputs),
        forbids_change=_forbids(report) if report is not None and without_prior else None,
        change_claimed=claimed,
        change_unflagged=unflagged,
        sure=_sure(whole, report, measured.confidences),
        triggers=None if measured.triggers is None else tuple(sorted({one.rule_id for one in measured.triggers})),
        asks=None if measured.triggers is None else any(one.action is not Action.INFORM for one in measured.triggers),
    )


def names_missing(report: GroundedReport, inputs: Inputs) -> bool:
    """Whether the limitations name each missing input, and after a colon what that forbids, and no input that is there.

    >>> from grounding.report import GroundedSentence
    >>> said = ("Indication: missing (not sent): the clinical question is not known.",)
    >>> report = GroundedReport((GroundedSentence("Clear."),), said)
    >>> names_missing(report, frozenset(InputName) - {InputName.INDICATION}), names_missing(report, frozenset())
    (True, False)
    """
    said = {name for name in InputName if any(_states_missing(line, name) for line in report.limitations)}
    return said == frozenset(InputName) - inputs


def _states_missing(line: str, name: InputName) -> bool:
    words = re.escape(name.value.replace("_", " "))
    return re.match(rf"{words}: missing \([a-z ]+\): \w.+\.$", line, re.IGNORECASE) is not None


def _forbids(report: GroundedReport) -> bool:
    return any(FORBIDDEN.search(line) for line in report.limitations)


def changes_claimed(report: GroundedReport) -> tuple[int, int]:
    """How many sentences claim a change, and how many of them no violation marks, where there was no prior at all."""
    claims = {index for index, one in enumerate(report.sentences) if claims_change(one.text)}
    found = violations(report, notes={}, has_prior=False)
    marked = {one.sentence for one in found if one.rule is Rule.COMPARISON_WITHOUT_PRIOR}
    return len(claims), len(claims - marked)


def claims_change(text: str) -> bool:
    """Whether a sentence speaks of a change, or of what was before, other than to say that nothing is known of it.

    >>> claims_change("Nodule, larger than before."), claims_change("No prior report for comparison.")
    (True, False)
    """
    return CHANGE_WORDS.search(text) is not None and DECLINED.search(text) is None


def _sure(
    whole: WholeCase, report: GroundedReport | None, confidences: Sequence[Confidence | None] | None
) -> tuple[Sure, ...] | None:
    if report is None or confidences is None:
        return None
    judged = [is_right(sentence, whole.truth, patient=whole.trial.patient) for sentence in report.sentences]
    return tuple(
        Sure(one.calibrated, right, None if one.needs is None else one.needs is ConfidenceSet.REVIEW)
        for one, right in zip(confidences, judged, strict=True)
        if one is not None and right is not None
    )
