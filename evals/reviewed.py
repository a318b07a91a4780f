"""Drafted sentences that a site's readers signed off on: right or wrong by what became of them, with their confidence.

KEPT and REWORDED count as right, CORRECTED and DELETED as wrong; one that was deleted as not relevant is neither. This
is agreement with a reader, not truth: what a reader kept without looking counts as right, so figures from here flatter
a model whose readers trust it. Only reviews in force count, of drafts that were shown. Not here: fitting, alarms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cases.draft import Draft
from cases.evidence import DraftEvidence
from cases.review import Arm, Decision, Reason, Review, SentenceReview
from cases.study import Case
from evals.calibration_cases import Judged
from grounding.confidence import Confidence
from grounding.report import GroundedSentence
from grounding.stance import stance_of
from vlm.raw_scores import Method, Scores


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One review in force, with the draft that its reader was shown."""

    case: Case
    draft: Draft
    review: Review

    @property
    def sentences(self) -> tuple[tuple[int, GroundedSentence, bool], ...]:
        """The drafted sentences that take a stand and were judged: index, sentence, whether it was right."""
        found = []
        for one in self.review.sentences:
            right = was_right(one)
            if right is not None and one.before is not None and stance_of(one.before.text) is not None:
                found.append((one.index, one.before, right))
        return tuple(found)


def was_right(decided: SentenceReview) -> bool | None:
    """What a reader's decision says of a drafted sentence; None for an added one, and for one that was not relevant."""
    if decided.decision is Decision.ADDED or decided.reason is Reason.NOT_RELEVANT:
        return None
    return decided.decision in (Decision.KEPT, Decision.REWORDED)


def reviewed(cases: Iterable[Case], drafts: Iterable[Draft], reviews: Iterable[Review]) -> tuple[Reviewed, ...]:
    """Every review in force of a draft that was shown, in the order of the reviews."""
    case_of = {case.case_id: case for case in cases}
    draft_of = {draft.draft_id: draft for draft in drafts if draft.report is not None}
    listed = list(reviews)
    amended = {review.supersedes for review in listed}
    return tuple(
        Reviewed(case_of[review.case_id], draft_of[review.draft_id], review)
        for review in listed
        if review.review_id not in amended and review.draft_id in draft_of and review.arm is not Arm.NO_AI
    )


def judged_reviews(
    every: Iterable[Reviewed], *, method: Method, scores: Callable[[Reviewed], Scores]
) -> Iterator[tuple[Judged, ...]]:
    """The judged sentences of each review, as calibrators are fitted on them.

    Args:
        every: reviews of drafts of one model.
        method: whose scores these are.
        scores: of each sentence of a draft, in order.
    """
    for one in every:
        given = scores(one)
        yield tuple(
            Judged(
                one.case.patient_pseudonym,
                one.draft.draft_id,
                stance.kind,
                right,
                bool(sentence.boxes),
                ((method, given[index]),),
            )
            for index, sentence, right in one.sentences
            if (stance := stance_of(sentence.text)) is not None and given[index] is not None
        )


def stored_confidence(evidence: DraftEvidence | None, index: int) -> Confidence | None:
    """What stood beside the sentence when it was read; None where nothing was measured."""
    if evidence is None or not 0 <= index < len(evidence.sentences):
        return None
    return evidence.sentences[index].confidence


def stored_scores(one: Reviewed, evidence: DraftEvidence | None, *, method: Method) -> Scores | None:
    """The method's raw scores of a draft as stored; None where a sentence that was judged has none of this method."""
    found = [
        stored_confidence(evidence, index)
        for index in range(len(one.draft.report.sentences if one.draft.report else ()))
    ]
    scores = tuple(c.raw if c is not None and c.method == method.value else None for c in found)
    return scores if all(scores[index] is not None for index, _, _ in one.sentences) else None


__all__ = ["Reviewed", "judged_reviews", "reviewed", "stored_confidence", "stored_scores", "was_right"]
