"""Which draft lies on the desk: a review stays on the draft that it was opened on, whatever comes in later.

Drafts are immutable, and a newer one replaces nothing by itself. Functions of the ledger; the desk says when.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from cases.draft import Draft
from cases.review import Arm, Review, SentenceReview
from cases.store import Store


def shown_id(draft: Draft | None) -> str | None:
    """The id under which decisions on a draft are stored: None where it holds no sentence to decide on."""
    return draft.draft_id if draft is not None and draft.report is not None else None


def draft_signed(ledger: Store, review: Review) -> Draft | None:
    """The draft that lay before the reader who signed."""
    drafts = ledger.drafts(review.case_id)
    if review.draft_id is not None:
        return next((draft for draft in drafts if draft.draft_id == review.draft_id), None)
    there = [draft for draft in drafts if draft.report is None and draft.created <= review.signed]
    return there[-1] if there and review.arm is not Arm.NO_AI else None


def draft_to_read(ledger: Store, case_id: str, reader_id: str) -> Draft | None:
    """The latest draft, unless this reader's unsigned work stands on an earlier one: then that one."""
    drafts = ledger.drafts(case_id)
    latest = drafts[-1] if drafts else None
    sql = "SELECT draft_id FROM v_saves WHERE case_id = ? AND reader_id = ? ORDER BY sequence DESC LIMIT 1"
    last = ledger.rows(sql, [case_id, reader_id])
    worked_on = cast("str | None", last[0][0]) if last else shown_id(latest)
    if worked_on == shown_id(latest) or not ledger.pending_decisions(case_id, reader_id, draft_id=worked_on):
        return latest
    return next((draft for draft in reversed(drafts) if shown_id(draft) == worked_on), None)


def take_along(
    ledger: Store, own: tuple[SentenceReview, ...], *, case_id: str, reader_id: str, before: str | None, newer: Draft
) -> None:
    """Store a reader's own sentences under a newer draft, behind its sentences, and take them back from before.

    Args:
        ledger: where they are stored.
        own: the sentences that the reader added.
        case_id: of the case they are about.
        reader_id: who wrote them.
        before: the id under which they are stored now.
        newer: the draft to go on with.

    Raises:
        StoreError: a sentence could not be taken along; it then stands where it stood.
    """
    draft_id = shown_id(newer)
    if draft_id == before:
        return  # two drafts without a sentence: what was written stands for both
    there = ledger.pending_decisions(case_id, reader_id, draft_id=draft_id)
    drafted = newer.report.sentences if newer.report is not None else ()
    free = max((len(drafted) - 1, *(one.index for one in there))) + 1
    for place, one in enumerate(own, start=free):
        ledger.save_decision(replace(one, index=place), case_id=case_id, reader_id=reader_id, draft_id=draft_id)
        ledger.withdraw_decision(one.index, case_id=case_id, reader_id=reader_id, draft_id=before)
