"""The worklist's rows, from the store to words; draws nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cases.draft import Draft, DraftStatus
from cases.review import Review
from cases.store import Store
from cases.study import Case, CaseStatus
from dashboard.words import STATUS, draft_words, missing_inputs, patient_line, span

SIGNED = (CaseStatus.FINAL, CaseStatus.AMENDED)


@dataclass(frozen=True, slots=True)
class WorklistRow:
    """One case on the worklist.

    Attributes:
        status: where it stands; `status_words` says it.
        wait_words: how long it has waited, or how long it took to sign.
        draft_words: what became of the drafting; `draft_ok` whether there are sentences to review.
        missing: each missing input with its reason.
    """

    case_id: str
    patient: str
    indication: str
    status: CaseStatus
    status_words: str
    wait_words: str
    draft_words: str
    draft_ok: bool
    missing: tuple[str, ...]
    received: datetime


class Show(StrEnum):
    """Which part of the worklist is shown."""

    OPEN = "To read"
    NO_DRAFT = "Without a draft"
    SIGNED = "Signed"
    ALL = "All"

    def holds(self, row: WorklistRow) -> bool:
        """Whether a row belongs to this part."""
        signed = row.status in SIGNED
        return {
            Show.OPEN: not signed,
            Show.NO_DRAFT: not signed and not row.draft_ok,
            Show.SIGNED: signed,
            Show.ALL: True,
        }[self]


def rows_of(store: Store, *, now: datetime) -> tuple[WorklistRow, ...]:
    """All cases, those with the longest wait first, the signed ones last."""
    drafts: dict[str, Draft] = {draft.case_id: draft for draft in store.drafts()}
    signed: dict[str, Review] = {review.case_id: review for review in store.reviews()}
    status = {str(name): CaseStatus(str(word)) for name, word in store.rows("SELECT case_id, status FROM v_cases")}
    rows = [
        _row(case, status[case.case_id], draft=drafts.get(case.case_id), review=signed.get(case.case_id), now=now)
        for case in store.cases()
    ]
    return tuple(sorted(rows, key=lambda row: (row.status in SIGNED, row.received, row.case_id)))


def _row(case: Case, status: CaseStatus, *, draft: Draft | None, review: Review | None, now: datetime) -> WorklistRow:
    end = review.signed if review is not None else now
    length = span(end - case.received)
    return WorklistRow(
        case_id=case.case_id,
        patient=patient_line(case),
        indication=case.indication or "indication not sent",
        status=status,
        status_words=STATUS[status],
        wait_words=f"signed after {length}" if review is not None else f"waits {length}",
        draft_words=draft_words(draft),
        draft_ok=draft is not None and draft.status is DraftStatus.OK,
        missing=missing_inputs(case),
        received=case.received,
    )
