"""The rules of signing: which review may be signed on which draft, and whether its decisions fit that draft.

Override flags are derived, so a decision that says less (or more) than what changed is refused, whatever was pressed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from cases.draft import Draft, DraftStatus
from cases.review import Arm, Review, SentenceReview, derived_decision
from cases.store.errors import (
    AlreadySignedError,
    NothingToAmendError,
    ReviewMismatchError,
    StaleDraftError,
    UnknownRecordError,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a case stands when a review of it arrives.

    Attributes:
        latest: the latest draft of the case, None when there is none.
        reviewed: the draft that the review names, None when it names none or one that the store does not hold.
        in_force: the review that counts now, None before the first signature.
    """

    latest: Draft | None
    reviewed: Draft | None
    in_force: Review | None

    @property
    def usable(self) -> Draft | None:
        """The draft that a reader can be shown."""
        return self.latest if self.latest is not None and self.latest.status is DraftStatus.OK else None


def check_signable(review: Review, standing: Standing) -> None:
    """Nothing, when the review may be signed.

    Raises:
        AlreadySignedError: the case is signed, and the review does not say that it amends that.
        NothingToAmendError: it amends a review that is not in force.
        UnknownRecordError: it names a draft that the case does not have.
        StaleDraftError: it is of a draft that is not the latest, or that held no report.
        ReviewMismatchError: its decisions do not fit the draft, sentence by sentence.
    """
    _check_amendment(review, standing.in_force)
    _check_draft(review, standing)
    _check_sentences(review, standing.reviewed)


def _check_amendment(review: Review, in_force: Review | None) -> None:
    if in_force is None and review.supersedes is not None:
        msg = "the review amends one, and the case has none in force: sign it without `supersedes`"
        raise NothingToAmendError(msg)
    if in_force is not None and review.supersedes is None:
        msg = (
            f"the case is signed already (review {in_force.review_id}): reopen it and sign an amendment of that review"
        )
        raise AlreadySignedError(msg)
    if in_force is not None and review.supersedes != in_force.review_id:
        msg = f"the review amends one that is not in force any more: reopen the case and amend {in_force.review_id}"
        raise NothingToAmendError(msg)


def _check_draft(review: Review, standing: Standing) -> None:
    if review.draft_id is None:
        if review.arm is not Arm.NO_AI and standing.usable is not None and review.supersedes is None:
            msg = "a draft came in after the case was opened without one: reopen the case, what was typed is kept"
            raise StaleDraftError(msg)
        return
    draft = standing.reviewed
    if draft is None or draft.case_id != review.case_id:
        msg = "the case has no such draft: a review names the draft that was shown, or none"
        raise UnknownRecordError(msg)
    if draft.status is not DraftStatus.OK:
        msg = f"the draft {draft.status} and holds no report to review: sign without a draft"
        raise StaleDraftError(msg)
    amended = standing.in_force.draft_id if standing.in_force else None
    if standing.latest is not None and draft.draft_id not in (standing.latest.draft_id, amended):
        msg = "the draft was replaced by a later one: reopen the case and review the latest, what was typed is kept"
        raise StaleDraftError(msg)


def _check_sentences(review: Review, draft: Draft | None) -> None:
    drafted = draft.report.sentences if draft is not None and draft.report is not None else ()
    spoken = Counter(sentence.index for sentence in review.sentences)
    twice = sorted(index for index, count in spoken.items() if count > 1)
    missing = [index for index in range(len(drafted)) if index not in spoken]
    if twice or missing:
        msg = f"each of the {len(drafted)} drafted sentences is decided once: missing {missing}, decided twice {twice}"
        raise ReviewMismatchError(msg)
    for sentence in review.sentences:
        before = drafted[sentence.index] if 0 <= sentence.index < len(drafted) else None
        if sentence.before != before:
            msg = f"decision {sentence.index} is about another sentence than the draft has there: reopen the case"
            raise ReviewMismatchError(msg)
        _check_derived(sentence)


def _check_derived(sentence: SentenceReview) -> None:
    if sentence.before is None or sentence.after is None:
        return
    derived = derived_decision(sentence.before, sentence.after)
    if sentence.decision is not derived:
        msg = (
            f"decision {sentence.index} says {sentence.decision}, and what changed makes it {derived}: "
            f"take it from cases.review.derived_decision"
        )
        raise ReviewMismatchError(msg)
