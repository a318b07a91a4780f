"""Evidence and second reads: their rows, and the rules by which they are written.

A blocking trigger on a reviewed draft keeps the case *preliminary* until another reader agrees with the review in force
(view `v_cases`). A review has one second read: who disagrees leaves it to be amended, and the amendment is read anew.
Each function that returns a `Decide` is run by the ledger inside the transaction, as those of `cases.store.writes`.
"""

from __future__ import annotations

import dataclasses
from collections import Counter

from cases.audit import Action as Event
from cases.draft import Draft
from cases.evidence import DraftEvidence
from cases.review import Review
from cases.second_read import SecondRead, Verdict, same_reader
from cases.serialize import to_json
from cases.store import reading, writes
from cases.store.chain import Entry
from cases.store.database import Cursor
from cases.store.errors import (
    NothingToSecondReadError,
    RecordConflictError,
    RefusedError,
    SameReaderError,
    SecondReadSettledError,
    UnknownRecordError,
)
from cases.store.ledger import Decide
from cases.store.row import Row, Stamp, row_of
from grounding.triggers import Action, Trigger


def drafting(draft: Draft, evidence: DraftEvidence | None, *, agent: str, role: str) -> Decide:
    """Keep a draft together with its evidence; where the draft is kept already, the evidence alone."""
    draft_alone = writes.drafting(draft, agent=agent, role=role)
    if evidence is None:
        return draft_alone

    def decide(cursor: Cursor) -> Entry | None:
        entry = draft_alone(cursor)
        if entry is None:
            return measuring(evidence, agent=agent, role=role)(cursor)
        if reading.find_evidence(cursor, evidence.evidence_id) is not None:
            msg = "evidence of that id is kept of another draft, and evidence never changes: give it a new id"
            raise RecordConflictError(msg)
        _check_fits(draft, evidence)
        return dataclasses.replace(
            entry,
            detail={**entry.detail, "evidence_id": evidence.evidence_id, **_asked_for(evidence)},
            rows=lambda stamp: (*entry.rows(stamp), *evidence_rows(evidence, stamp)),
        )

    return decide


def measuring(evidence: DraftEvidence, *, agent: str, role: str) -> Decide:
    """Keep what was measured of a draft that is kept, unless that is kept already."""

    def decide(cursor: Cursor) -> Entry | None:
        kept = reading.find_evidence(cursor, evidence.evidence_id)
        if kept is not None and to_json(kept) == to_json(evidence):
            return None
        if kept is not None:
            msg = "evidence of that id is kept with another content, and evidence never changes: give it a new id"
            raise RecordConflictError(msg)
        _check_fits(reading.find_draft(cursor, evidence.draft_id), evidence)
        detail = {"case_id": evidence.case_id, "draft_id": evidence.draft_id, **_asked_for(evidence)}
        return Entry(
            Event.EVIDENCE_RECORDED,
            agent,
            role,
            evidence.evidence_id,
            detail,
            lambda stamp: evidence_rows(evidence, stamp),
        )

    return decide


def second_reading(second_read: SecondRead, *, role: str) -> Decide:
    """Sign a second read of the review in force, unless it is signed already."""

    def decide(cursor: Cursor) -> Entry | None:
        kept = reading.find_second_read(cursor, second_read.second_read_id)
        if kept is not None and to_json(kept[0]) == to_json(second_read):
            return None
        if kept is not None:
            msg = "a second read of that id is signed with another content, and never changes: amend the review"
            raise RecordConflictError(msg)
        _check_second_readable(cursor, second_read)
        detail = {
            "case_id": second_read.case_id,
            "review_id": second_read.review_id,
            "verdict": second_read.verdict.value,
        }
        return Entry(
            Event.SECOND_READ_SIGNED,
            second_read.reader_id,
            role,
            second_read.second_read_id,
            detail,
            lambda stamp: (second_read_row(second_read, stamp),),
        )

    return decide


def evidence_rows(evidence: DraftEvidence, stamp: Stamp) -> tuple[Row, ...]:
    """The row of the evidence, and one per trigger."""
    triggers = (_trigger_row(evidence, position, trigger, stamp) for position, trigger in enumerate(evidence.triggers))
    return (_evidence_row(evidence, stamp), *triggers)


def _evidence_row(evidence: DraftEvidence, stamp: Stamp) -> Row:
    asked = Counter(trigger.action for trigger in evidence.triggers)
    return row_of(
        "evidence",
        {
            "evidence_id": evidence.evidence_id,
            "sequence": stamp.sequence,
            "recorded_at": stamp.recorded,
            "draft_id": evidence.draft_id,
            "case_id": evidence.case_id,
            "created_at": evidence.created,
            "protocol_sha256": evidence.protocol_sha256,
            "sentences": len(evidence.sentences),
            "conflicts": _conflicts(evidence),
            "contradictions": len(evidence.contradictions),
            "injections": len(evidence.injections),
            "unlikeness": None if evidence.unlikeness is None else float(evidence.unlikeness),
            **{action.value: asked[action] for action in Action},
            "total_s": float(sum(stage.seconds for stage in evidence.seconds)) if evidence.seconds else None,
            "body": to_json(evidence),
        },
    )


def _conflicts(evidence: DraftEvidence) -> int | None:
    """How many there are; None where nobody looked for them."""
    placed = [sentence.conflicts for sentence in evidence.sentences]
    if None in placed:
        return None
    return sum(len(found or ()) for found in placed) + len(evidence.conflicts_unplaced)


def _trigger_row(evidence: DraftEvidence, position: int, trigger: Trigger, stamp: Stamp) -> Row:
    return row_of(
        "triggers",
        {
            "trigger_id": f"{evidence.evidence_id}#{position}",
            "sequence": stamp.sequence,
            "evidence_id": evidence.evidence_id,
            "draft_id": evidence.draft_id,
            "case_id": evidence.case_id,
            "rule_id": trigger.rule_id,
            "rule_version": trigger.version,
            "action": trigger.action.value,
            "fact": trigger.fact.value,
            "value": float(trigger.value),
            "comparison": trigger.comparison.value,
            "threshold": float(trigger.threshold),
            "sentence_index": trigger.sentence,
            "detail": trigger.detail,
            "reason": trigger.reason,
        },
    )


def second_read_row(second_read: SecondRead, stamp: Stamp) -> Row:
    """The row of a second read."""
    return row_of(
        "second_reads",
        {
            "second_read_id": second_read.second_read_id,
            "sequence": stamp.sequence,
            "recorded_at": stamp.recorded,
            "review_id": second_read.review_id,
            "case_id": second_read.case_id,
            "reader_id": second_read.reader_id,
            "verdict": second_read.verdict.value,
            "reason": second_read.reason.value if second_read.reason else None,
            "signed_at": second_read.signed,
            "body": to_json(second_read),
        },
    )


def _asked_for(evidence: DraftEvidence) -> dict[str, object]:
    """What the triggers ask for at most, for the event's detail."""
    return {"asks_for": None if evidence.action is None else evidence.action.value}


def _check_fits(draft: Draft | None, evidence: DraftEvidence) -> None:
    if draft is None or (draft.draft_id, draft.case_id) != (evidence.draft_id, evidence.case_id):
        msg = "the case has no such draft: record the draft first, then what was measured of it"
        raise UnknownRecordError(msg)
    drafted = len(draft.report.sentences) if draft.report is not None else 0
    if len(evidence.sentences) != drafted:
        msg = f"evidence has one part a drafted sentence: {len(evidence.sentences)} parts, {drafted} sentences"
        raise RefusedError(msg)


def _check_second_readable(cursor: Cursor, second_read: SecondRead) -> None:
    """Nothing, when the second read may be signed.

    Raises:
        UnknownRecordError: there is no such case.
        NothingToSecondReadError: the case is not signed, or another review of it is in force.
        SameReaderError: the reader signed that review.
        SecondReadSettledError: the review has its second read.
    """
    reading.one_case(cursor, second_read.case_id)
    signed = reading.all_reviews(cursor, second_read.case_id)
    review = signed[-1] if signed else None
    if review is None or review.review_id != second_read.review_id:
        stands = "nothing is signed there yet" if review is None else f"review {review.review_id} is in force"
        msg = f"a second read is of the review in force, and {stands}: reopen the case and read what stands now"
        raise NothingToSecondReadError(msg)
    _check_other_reader(review, second_read)
    _check_unsettled(cursor, second_read)


def _check_other_reader(review: Review, second_read: SecondRead) -> None:
    if same_reader(review.reader_id, second_read.reader_id):
        msg = (
            f"a second read is another reader's: {second_read.reader_id} signed review {review.review_id}; "
            f"let another reader open the case"
        )
        raise SameReaderError(msg)


def _check_unsettled(cursor: Cursor, second_read: SecondRead) -> None:
    earlier = [
        one for one in reading.all_second_reads(cursor, second_read.case_id) if one.review_id == second_read.review_id
    ]
    if not earlier:
        return
    said = {Verdict.AGREE: "agreed with", Verdict.DISAGREE: "disagreed with"}[earlier[-1].verdict]
    msg = (
        f"a review is read a second time once, and {earlier[-1].reader_id} {said} this one: "
        f"sign an amendment of it, which can then be read"
    )
    raise SecondReadSettledError(msg)
