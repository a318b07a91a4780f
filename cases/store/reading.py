"""What the store holds, read back as the records it was given. Functions of a cursor; the facade brings the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from cases.audit import AuditEvent
from cases.draft import Draft
from cases.evidence import DraftEvidence
from cases.review import Review, SentenceReview
from cases.second_read import SecondRead
from cases.serialize import (
    case_from_json,
    draft_from_json,
    evidence_from_json,
    review_from_json,
    second_read_from_json,
    sentence_review_from_json,
)
from cases.store.chain import EVENT_COLUMNS, event_of
from cases.store.database import Cursor
from cases.store.errors import UnknownRecordError
from cases.store.records import Work
from cases.store.signing import Standing
from cases.study import Case, CaseStatus
from grounding.triggers import Trigger


def all_cases(cursor: Cursor) -> tuple[Case, ...]:
    """Every case, in the order of arrival in the store."""
    return tuple(case_from_json(body) for body in _bodies(cursor, "SELECT body FROM cases ORDER BY sequence"))


def find_case(cursor: Cursor, case_id: str) -> Case | None:
    """The case of that id, None when there is none."""
    found = _bodies(cursor, "SELECT body FROM cases WHERE case_id = ?", [case_id])
    return case_from_json(found[0]) if found else None


def one_case(cursor: Cursor, case_id: str) -> Case:
    """The case of that id.

    Raises:
        UnknownRecordError: there is none.
    """
    case = find_case(cursor, case_id)
    if case is None:
        msg = "the store holds no case of that id: `overread cases` lists those it holds"
        raise UnknownRecordError(msg)
    return case


def all_drafts(cursor: Cursor, case_id: str | None) -> tuple[Draft, ...]:
    """Drafts of a case, or of all, oldest first; failed ones among them."""
    sql = "SELECT body FROM drafts WHERE ?1 IS NULL OR case_id = ?1 ORDER BY sequence"
    return tuple(draft_from_json(body) for body in _bodies(cursor, sql, [case_id]))


def find_draft(cursor: Cursor, draft_id: str | None) -> Draft | None:
    """The draft of that id, None when there is none."""
    found = _bodies(cursor, "SELECT body FROM drafts WHERE draft_id = ?", [draft_id])
    return draft_from_json(found[0]) if found else None


def latest_draft(cursor: Cursor, case_id: str) -> Draft | None:
    """The draft recorded last, failed or not; None when there is none."""
    sql = "SELECT body FROM drafts WHERE case_id = ? ORDER BY sequence DESC LIMIT 1"
    found = _bodies(cursor, sql, [case_id])
    return draft_from_json(found[0]) if found else None


def all_evidence(cursor: Cursor, draft_id: str) -> tuple[DraftEvidence, ...]:
    """What was measured of a draft, oldest first; empty when nothing was."""
    sql = "SELECT body FROM evidence WHERE draft_id = ? ORDER BY sequence"
    return tuple(evidence_from_json(body) for body in _bodies(cursor, sql, [draft_id]))


def find_evidence(cursor: Cursor, evidence_id: str) -> DraftEvidence | None:
    """The evidence of that id, None when there is none."""
    found = _bodies(cursor, "SELECT body FROM evidence WHERE evidence_id = ?", [evidence_id])
    return evidence_from_json(found[0]) if found else None


def all_second_reads(cursor: Cursor, case_id: str | None) -> tuple[SecondRead, ...]:
    """Second reads of a case, or of all, oldest first; those of superseded reviews among them."""
    sql = "SELECT body FROM second_reads WHERE ?1 IS NULL OR case_id = ?1 ORDER BY sequence"
    return tuple(second_read_from_json(body) for body in _bodies(cursor, sql, [case_id]))


def find_second_read(cursor: Cursor, second_read_id: str) -> tuple[SecondRead, int] | None:
    """The second read of that id and the sequence of its event, None when there is none."""
    sql = "SELECT body, sequence FROM second_reads WHERE second_read_id = ?"
    found = cursor.execute(sql, [second_read_id]).fetchone()
    return (second_read_from_json(str(found[0])), int(found[1])) if found else None


def blocking(cursor: Cursor, case_id: str) -> tuple[Trigger, ...]:
    """The blocking triggers of a signed case for which a second reader is still wanted, as `v_cases` says."""
    waits = cursor.execute("SELECT waits_for_second_read FROM v_cases WHERE case_id = ?", [case_id]).fetchone()
    if waits != (True,):
        return ()
    sql = "SELECT draft_id FROM v_blocked_drafts WHERE case_id = ? ORDER BY draft_id"
    measured = (one for draft_id in _bodies(cursor, sql, [case_id]) for one in all_evidence(cursor, draft_id))
    return tuple(dict.fromkeys(trigger for evidence in measured for trigger in evidence.blocking))


def all_reviews(cursor: Cursor, case_id: str | None) -> tuple[Review, ...]:
    """Signed reviews of a case, or of all, oldest first; superseded ones among them."""
    sql = "SELECT body FROM reviews WHERE ?1 IS NULL OR case_id = ?1 ORDER BY sequence"
    return tuple(review_from_json(body) for body in _bodies(cursor, sql, [case_id]))


def find_review(cursor: Cursor, review_id: str) -> tuple[Review, int] | None:
    """The review of that id and the sequence of its event, None when there is none."""
    found = cursor.execute("SELECT body, sequence FROM reviews WHERE review_id = ?", [review_id]).fetchone()
    return (review_from_json(str(found[0])), int(found[1])) if found else None


def standing(cursor: Cursor, review: Review) -> Standing:
    """Where the review's case stands.

    Raises:
        UnknownRecordError: there is no such case.
    """
    one_case(cursor, review.case_id)
    signed = all_reviews(cursor, review.case_id)
    return Standing(
        latest=latest_draft(cursor, review.case_id),
        reviewed=find_draft(cursor, review.draft_id),
        in_force=signed[-1] if signed else None,
    )


def case_status(cursor: Cursor, case_id: str) -> CaseStatus:
    """Where the case stands now, derived from its rows by the view `v_cases`.

    Raises:
        UnknownRecordError: there is no such case.
    """
    found = cursor.execute("SELECT status FROM v_cases WHERE case_id = ?", [case_id]).fetchone()
    if found is None:
        one_case(cursor, case_id)
    return CaseStatus(str(found[0] if found else None))


_SAVES = """
    SELECT sentence_index, body, sequence FROM decisions
    WHERE case_id = ?1 AND reader_id = ?2 AND draft_id IS NOT DISTINCT FROM ?3
      AND sequence > coalesce((SELECT max(sequence) FROM reviews WHERE case_id = ?1 AND reader_id = ?2), 0)
    QUALIFY row_number() OVER (PARTITION BY sentence_index ORDER BY sequence DESC) = 1
    ORDER BY sentence_index
"""  # since the reader last signed the case, the latest save of each sentence


def pending(cursor: Cursor, work: Work) -> tuple[SentenceReview, ...]:
    """Decisions saved since the reader last signed the case, the latest of each sentence, by index."""
    rows = cursor.execute(_SAVES, [work.case_id, work.reader_id, work.draft_id]).fetchall()
    return tuple(sentence_review_from_json(str(body)) for _, body, _ in rows if body is not None)


def last_save(cursor: Cursor, index: int, work: Work) -> tuple[str | None, int] | None:
    """What was saved last for that sentence (None: taken back) and the sequence of its event; None for never."""
    for saved, body, sequence in cursor.execute(_SAVES, [work.case_id, work.reader_id, work.draft_id]).fetchall():
        if saved == index:
            return body, int(sequence)
    return None


def all_events(cursor: Cursor) -> tuple[AuditEvent, ...]:
    """The whole chain, in order."""
    cursor.execute(f"SELECT {', '.join(EVENT_COLUMNS)} FROM events ORDER BY sequence")  # noqa: S608 - our own
    return tuple(event_of(values) for values in cursor.fetchall())


def _bodies(cursor: Cursor, sql: str, params: Sequence[object] = ()) -> list[str]:
    return [str(body) for (body,) in cursor.execute(sql, list(params)).fetchall()]
