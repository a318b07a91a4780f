"""Drafted sentences with their raw scores, each judged right or wrong: what calibrators are fitted and judged on.

A sentence is right when every claim of it within the truth's scope is borne out (finding, polarity, side:
`evals.claim`), and every box it shows lies where RadFact's spatial rule asks (`evals.spatial`). The change that it
states is not part of that. Hedged claims, history, and findings of which nobody knows the truth are not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from cases.draft import Draft
from evals.report import judge
from evals.report_trials import ReportTrial, Truth
from evals.trial import Drafter, Trial
from grounding.report import GroundedReport, GroundedSentence
from grounding.stance import stance_of
from vlm.raw_scores import Method, Scores

RIGHT = "every claim within scope borne out (finding, polarity, side), and boxes by RadFact's spatial rule; not change"

Scorer = Callable[[Trial, Draft], Mapping[Method, Scores]]


@dataclass(frozen=True, slots=True)
class Judged:
    """One judged sentence.

    Attributes:
        patient: cluster. draft: which draft it stands in, the unit of the conformal rule.
        kind: of its stand (`grounding.stance`).
        right: see the module.
        boxed: whether it shows a box.
        scores: of each method that was asked; None where it could not score it.
    """

    patient: str
    draft: str
    kind: str
    right: bool
    boxed: bool
    scores: tuple[tuple[Method, float | None], ...]

    def score(self, method: Method) -> float | None:
        """The method's score; None where it has none or was not asked."""
        return dict(self.scores).get(method)


@dataclass(frozen=True, slots=True)
class Drafted:
    """One trial, its draft and its judged sentences; none where the draft failed or says nothing within scope."""

    trial: ReportTrial
    draft: Draft
    judged: tuple[Judged, ...]


def drafted_cases(trials: Iterable[ReportTrial], *, draft: Drafter, score: Scorer) -> Iterator[Drafted]:
    """Draft, score and judge every trial, one at a time."""
    for one in trials:
        made = draft(one.trial.case, pixels=one.trial.pixels)
        scores = {} if made.report is None else score(one.trial, made)
        yield Drafted(one, made, judged_sentences(made.report, one, scores))


def judged_sentences(
    report: GroundedReport | None, one: ReportTrial, scores: Mapping[Method, Scores]
) -> tuple[Judged, ...]:
    """The judged sentences of one report; empty for a failed draft."""
    found = []
    for index, sentence in enumerate(() if report is None else report.sentences):
        right, stance = is_right(sentence, one.truth, patient=one.trial.patient), stance_of(sentence.text)
        if right is not None and stance is not None:
            own = tuple((method, values[index]) for method, values in scores.items())
            unit = one.trial.case.case_id
            found.append(Judged(one.trial.patient, unit, stance.kind, right, bool(sentence.boxes), own))
    return tuple(found)


def is_right(sentence: GroundedSentence, truth: Truth, *, patient: str) -> bool | None:
    """Whether a sentence is right; None where nothing in it is judged."""
    items = judge(GroundedReport((sentence,)), truth, patient=patient).drafted
    return all(item.right and (item.spatial or not item.boxed) for item in items) if items else None
