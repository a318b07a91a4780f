"""The worklist's rows, from the store to words; draws nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cases.draft import Draft, DraftStatus
from cases.review import Review
from cases.store import Store
from cases.study import Case, CaseStatus
from dashboard.words import draft_words, job_words, missing_inputs, patient_line, span, status_words
from vlm.drafting_job import Job

SIGNED = (CaseStatus.FINAL, CaseStatus.AMENDED)


@dataclass(frozen=True, slots=True)
class WorklistRow:
    """One case on the worklist.

    Attributes:
        status: where it stands; `status_words` says it.
        wait_words: how long it has waited, or how long it took to sign.
        draft_words: what became of the drafting; `draft_ok` whether there are sentences to review.
        missing: each missing input with its reason.
        job: the latest request for a draft since the server started, None when there was none; `job_words` says it.
        offer: what a button may offer, "Draft" or "Draft again"; None when there is nothing to ask for.
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
    job: Job | None
    job_words: str
    offer: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one case: itself, where it stands, and the latest of each kind, None where there is none."""

    case: Case
    status: CaseStatus
    status_words: str
    draft: Draft | None
    review: Review | None
    job: Job | None


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


def rows_of(store: Store, *, now: datetime, jobs: Mapping[str, Job] | None = None) -> tuple[WorklistRow, ...]:
    """All cases, those with the longest wait first, the signed ones last.

    Args:
        store: with the cases.
        now: UTC.
        jobs: the latest drafting job of each case.
    """
    known = jobs or {}
    drafts: dict[str, Draft] = {draft.case_id: draft for draft in store.drafts()}
    signed: dict[str, Review] = {review.case_id: review for review in store.reviews()}
    stands = _stands(store)
    rows = [
        _row(Known(case, *stands[name], drafts.get(name), signed.get(name), known.get(name)), now=now)
        for case in store.cases()
        for name in (case.case_id,)
    ]
    return tuple(sorted(rows, key=lambda row: (row.status in SIGNED, row.received, row.case_id)))


def _stands(store: Store) -> dict[str, tuple[CaseStatus, str]]:
    """Where each case stands, and the words for it."""
    rows = store.rows("SELECT case_id, status, waits_for_second_read, second_verdict FROM v_cases")
    return {
        str(name): (
            CaseStatus(str(word)),
            status_words(CaseStatus(str(word)), waits=waits is True, verdict=None if verdict is None else str(verdict)),
        )
        for name, word, waits, verdict in rows
    }


def offer_of(case: Case, *, draft: Draft | None, job: Job | None) -> str | None:
    """What a reader may ask for: a draft where there is none or a failed one, and nobody asked yet."""
    wanting = case.abstention is None and (draft is None or draft.status is DraftStatus.FAILED)
    if not wanting or (job is not None and job.live):
        return None
    return "Draft" if draft is None else "Draft again"


def _row(known: Known, *, now: datetime) -> WorklistRow:
    case, draft, review, job = known.case, known.draft, known.review, known.job
    length = span((review.signed if review is not None else now) - case.received)
    return WorklistRow(
        case_id=case.case_id,
        patient=patient_line(case),
        indication=case.indication or "indication not sent",
        status=known.status,
        status_words=known.status_words,
        wait_words=f"signed after {length}" if review is not None else f"waits {length}",
        draft_words=draft_words(draft),
        draft_ok=draft is not None and draft.status is DraftStatus.OK,
        missing=missing_inputs(case),
        received=case.received,
        job=job,
        job_words=job_words(job, now=now),
        offer=offer_of(case, draft=draft, job=job) if review is None else None,
    )
