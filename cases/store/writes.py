"""What each kind of write asks of the ledger: read, refuse or find it done already, else an event and its rows.

Each function returns a `Decide`, run by the ledger inside the transaction, so that what was read still holds when
what follows from it is written.
"""

from __future__ import annotations

import dataclasses

from cases.audit import Action
from cases.draft import Draft, DraftStatus
from cases.review import Review, SentenceReview
from cases.serialize import to_json
from cases.store import reading
from cases.store.chain import Entry
from cases.store.database import Cursor
from cases.store.errors import RecordConflictError, RefusedError, UnknownRecordError
from cases.store.ledger import Decide
from cases.store.records import Work, case_row, decision_row, draft_row, review_rows
from cases.store.signing import check_signable
from cases.study import Case, CaseStatus

READER = "reader"
ARRIVING = (CaseStatus.REGISTERED, CaseStatus.ABSTAINED)


def registering(case: Case, *, agent: str, role: str) -> Decide:
    """Keep a case, unless it is kept already (the time of arrival does not count)."""

    def decide(cursor: Cursor) -> Entry | None:
        _check_unread(case)
        kept = reading.find_case(cursor, case.case_id)
        if kept is None:
            return Entry(Action.CASE_REGISTERED, agent, role, case.case_id, rows=lambda stamp: (case_row(case, stamp),))
        if to_json(dataclasses.replace(kept, received=case.received)) != to_json(case):
            msg = "a case of that id is kept with another content, and a case never changes: import it under another id"
            raise RecordConflictError(msg)
        return None

    return decide


def drafting(draft: Draft, *, agent: str, role: str) -> Decide:
    """Keep a draft of a case that is kept, unless the draft is kept already."""

    def decide(cursor: Cursor) -> Entry | None:
        kept = reading.find_draft(cursor, draft.draft_id)
        if kept is not None and to_json(kept) == to_json(draft):
            return None
        if kept is not None:
            msg = "a draft of that id is kept with another content, and a draft never changes: give it a new id"
            raise RecordConflictError(msg)
        _check_in_scope(reading.one_case(cursor, draft.case_id), draft)
        detail = {"case_id": draft.case_id, "status": draft.status.value}
        return Entry(
            Action.DRAFT_RECORDED, agent, role, draft.draft_id, detail, lambda stamp: (draft_row(draft, stamp),)
        )

    return decide


def saving(index: int, decision: SentenceReview | None, work: Work) -> Decide:
    """Keep a decision in progress (None: take back what was saved), unless that is what was saved last."""

    def decide(cursor: Cursor) -> Entry | None:
        _check_draft_of(cursor, work)
        saved = reading.last_save(cursor, index, work)
        if saved is not None and saved[0] == (to_json(decision) if decision else None):
            return None
        return Entry(
            Action.DECISION_RECORDED if decision else Action.DECISION_WITHDRAWN,
            work.reader_id,
            READER,
            work.case_id,
            rows=lambda stamp: (decision_row(index, decision, stamp, work=work),),
        )

    return decide


def signing(review: Review, *, role: str) -> Decide:
    """Sign a review by the rules of `cases.store.signing`, unless it is signed already."""

    def decide(cursor: Cursor) -> Entry | None:
        kept = reading.find_review(cursor, review.review_id)
        if kept is not None and to_json(kept[0]) == to_json(review):
            return None
        if kept is not None:
            msg = "a review of that id is signed with another content, and a review never changes: sign an amendment"
            raise RecordConflictError(msg)
        check_signable(review, reading.standing(cursor, review))
        detail = {"case_id": review.case_id, "draft_id": review.draft_id, "supersedes": review.supersedes}
        return Entry(
            Action.REVIEW_SIGNED,
            review.reader_id,
            role,
            review.review_id,
            detail,
            lambda stamp: review_rows(review, stamp),
        )

    return decide


def _check_unread(case: Case) -> None:
    """A case comes in unread: no sender's word makes a report final here, only this ledger's signatures do."""
    if case.status not in ARRIVING:
        msg = f"a case comes in registered or abstained, not {case.status}: import it unread and sign it here"
        raise RefusedError(msg)


def _check_in_scope(case: Case, draft: Draft) -> None:
    if case.status is CaseStatus.ABSTAINED and draft.status is not DraftStatus.ABSTAINED:
        msg = f"the case is out of scope ({case.abstention}) and is never drafted: record an abstention, or nothing"
        raise RefusedError(msg)


def _check_draft_of(cursor: Cursor, work: Work) -> None:
    reading.one_case(cursor, work.case_id)
    draft = reading.find_draft(cursor, work.draft_id)
    if work.draft_id is not None and (draft is None or draft.case_id != work.case_id):
        msg = "the case has no such draft: a decision names the draft that was shown, or none"
        raise UnknownRecordError(msg)
