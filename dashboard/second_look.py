"""The second look from the reading room: what a signed report waits for, and a second reader's word on it.

Between the page and the ledger; it draws nothing. The rules are the store's (`cases.store.second_look`).
"""

from __future__ import annotations

from dataclasses import dataclass

from cases.review import Reason, Review
from cases.second_read import SecondRead, Verdict, same_reader
from dashboard import resources
from dashboard.desk import Desk, NotAllowedError, NotReadBackError
from dashboard.identity import may_sign


@dataclass(frozen=True, slots=True)
class SecondLook:
    """Where a signed report stands between its two readers.

    Attributes:
        reasons: why another reader must agree before it is final, in the rules' words; empty when nobody must.
        read: the second read that it has, None while it has none.
        may_read: whether whoever sits at the desk may be its second reader.
    """

    reasons: tuple[str, ...]
    read: SecondRead | None
    may_read: bool


def second_look(desk: Desk, review: Review) -> SecondLook:
    """Where the report stands now, by the ledger; nobody reads a report a second time that was amended since."""
    ledger, case_id = resources.store(), desk.case.case_id
    in_force = ledger.reviews(case_id)[-1].review_id == review.review_id
    read = next((one for one in ledger.second_reads(case_id) if one.review_id == review.review_id), None)
    other = may_sign(desk.reader) and not same_reader(desk.reader.reader_id, review.reader_id)
    waits_for = ledger.waits_for_second_read(case_id) if in_force else ()
    return SecondLook(
        reasons=tuple(dict.fromkeys(trigger.reason for trigger in waits_for)),
        read=read,
        may_read=other and in_force and read is None,
    )


def read_second(desk: Desk, review: Review, verdict: Verdict, *, reason: Reason | None, note: str) -> SecondRead:
    """Sign a second read; the second read as the ledger gives it back.

    Raises:
        NotAllowedError: this person may not sign.
        NotReadBackError: the ledger does not give it back.
        ValueError: a disagreement without a reason, or too long a note.
        StoreError: nothing was signed; the message says why.
    """
    if not may_sign(desk.reader):
        msg = f"the role {desk.reader.role.value} decides nothing and signs nothing: choose a reader at the left"
        raise NotAllowedError(msg)
    second = SecondRead(
        second_read_id=resources.new_id(),
        review_id=review.review_id,
        case_id=desk.case.case_id,
        reader_id=desk.reader.reader_id,
        verdict=verdict,
        reason=reason,
        signed=resources.utc_now(),
        note=note.strip(),
    )
    ledger = resources.store()
    ledger.record_second_read(second, agent_role=desk.reader.role.value)
    if second not in ledger.second_reads(desk.case.case_id):
        msg = "the ledger does not give this second read back: it is not signed; run overread audit verify"
        raise NotReadBackError(msg)
    return second
