"""The reading desk: one open case with what the store holds of it, and the writes a reader can make from there.

Between the pages and the ledger. It draws nothing; every write asks again whether this person may make it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from cases.answer import IncompleteAnswerError
from cases.audit import Action
from cases.draft import Draft
from cases.evidence import DraftEvidence, SentenceEvidence
from cases.review import Arm, Decision, Review, SentenceReview
from cases.store import RecordConflictError, Store
from cases.study import Case
from dashboard import resources, state
from dashboard.draft_on_desk import draft_signed, draft_to_read, shown_id, take_along
from dashboard.identity import Person, may_sign
from dashboard.state import OpenReading
from grounding.report import GroundedSentence


class NotAllowedError(PermissionError):
    """This person may not decide or sign; the message names the role that may."""


class NotReadBackError(RuntimeError):
    """The signature was sent but the ledger does not give it back: it must not be called signed."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A stored decision that is not signed yet.

    Attributes:
        review: the decision.
        recorded, sequence: when it was stored (UTC), and by which event.
    """

    review: SentenceReview
    recorded: datetime
    sequence: int


@dataclass(frozen=True, slots=True)
class Desk:
    """An open case, as the store knows it at this moment.

    Attributes:
        case: the case.
        draft: the draft that was the latest when the case was opened, None when there was none.
        newer: one that came in since, None when none did; it replaces nothing until the reader turns to it.
        reading: which opening this is.
        reader: who sits here.
        saved: the decisions stored so far and not yet signed, by sentence index.
        signed: the signature of this reading, None before it.
        earlier: signatures under the case that are not of this reading, oldest first.
        evidence: what was measured of the draft that is shown; None where the store holds none of it.
    """

    case: Case
    draft: Draft | None
    newer: Draft | None
    reading: OpenReading
    reader: Person
    saved: Mapping[int, Saved]
    signed: Review | None
    earlier: tuple[Review, ...]
    evidence: DraftEvidence | None = None

    @property
    def drafted(self) -> tuple[GroundedSentence, ...]:
        """The drafted sentences; none when the draft failed, abstained or is not there."""
        return self.draft.report.sentences if self.draft is not None and self.draft.report is not None else ()

    @property
    def decisions(self) -> Mapping[int, SentenceReview]:
        """The stored decisions by sentence index."""
        return {index: saved.review for index, saved in self.saved.items()}

    @property
    def undecided(self) -> tuple[int, ...]:
        """Indices of drafted sentences without a stored decision."""
        return tuple(index for index in range(len(self.drafted)) if index not in self.decisions)

    @property
    def additions(self) -> tuple[int, ...]:
        """Indices of the reader's own sentences, in order."""
        return tuple(sorted(index for index in self.decisions if index >= len(self.drafted)))

    @property
    def notes(self) -> dict[str, str]:
        """Text of each prior note by its id."""
        return {note.note_id: note.text for note in self.case.notes}

    def evidence_of(self, index: int) -> SentenceEvidence | None:
        """What was measured of a drafted sentence; None where nothing was."""
        measured = self.evidence.sentences if self.evidence is not None else ()
        return measured[index] if 0 <= index < len(measured) else None

    @property
    def draft_id(self) -> str | None:
        """The draft that is shown, None when none is."""
        return shown_id(self.draft)

    @property
    def must_turn(self) -> bool:
        """Whether the ledger will take a signature only under the newer draft (`cases.store.signing`)."""
        return self.signed is None and not self.earlier and self.draft is not None and shown_id(self.newer) is not None


def open_case(case_id: str, *, reader: Person) -> None:
    """Put a case on the screen and record that it was looked at: once per opening, not once per rerun."""
    ledger, now = resources.store(), resources.utc_now()
    signed = ledger.reviews(case_id)
    review_id = signed[-1].review_id if signed else resources.new_id()
    draft = draft_signed(ledger, signed[-1]) if signed else draft_to_read(ledger, case_id, reader.reader_id)
    ledger.log(Action.CASE_VIEWED, agent=reader.reader_id, role=reader.role.value, entity=case_id, detail={})
    state.start_reading(OpenReading(case_id, review_id, now, None if draft is None else draft.draft_id))
    if not signed and may_sign(reader):
        _log_opened(ledger, case_id, review_id, reader)


def amend(desk: Desk) -> None:
    """Begin a review that will replace the signed one; the signed one stays in the ledger."""
    _require_reader(desk)
    review_id = resources.new_id()
    state.start_reading(replace(desk.reading, review_id=review_id, opened=resources.utc_now()))
    _log_opened(resources.store(), desk.case.case_id, review_id, desk.reader)


def turn_to_newer(desk: Desk) -> None:
    """Go on with the draft that came in since the case was opened; the reader's own sentences come along.

    Decisions on the sentences of the draft before stay stored with that draft, and nothing of it is changed.

    Raises:
        StoreError: a sentence could not be taken along; what was, is there.
    """
    if desk.newer is None:
        return
    ledger, case_id, reader = resources.store(), desk.case.case_id, desk.reader
    detail = {"draft_id": desk.newer.draft_id}
    ledger.log(Action.CASE_VIEWED, agent=reader.reader_id, role=reader.role.value, entity=case_id, detail=detail)
    if may_sign(reader) and desk.signed is None:
        own = tuple(desk.decisions[index] for index in desk.additions)
        take_along(ledger, own, case_id=case_id, reader_id=reader.reader_id, before=desk.draft_id, newer=desk.newer)
    state.turn_to(desk.newer.draft_id)


def load_desk(reading: OpenReading, reader: Person) -> Desk:
    """The desk as the store knows it now.

    Raises:
        UnknownRecordError: the store holds no such case.
    """
    ledger = resources.store()
    case = ledger.case(reading.case_id)
    reviews = ledger.reviews(reading.case_id)
    drafts = ledger.drafts(reading.case_id)
    draft = next((one for one in drafts if one.draft_id == reading.draft_id), None)
    return Desk(
        case=case,
        draft=draft,
        newer=drafts[-1] if drafts and drafts[-1].draft_id != reading.draft_id else None,
        reading=reading,
        reader=reader,
        saved=_saved(ledger, reading.case_id, reader.reader_id, draft_id=shown_id(draft)),
        signed=next((review for review in reviews if review.review_id == reading.review_id), None),
        earlier=tuple(review for review in reviews if review.review_id != reading.review_id),
        evidence=None if draft is None else resources.evidence(draft.draft_id),
    )


def save(desk: Desk, index: int, review: SentenceReview | None) -> None:
    """Store one decision at once; None takes back what was stored for that sentence.

    Raises:
        NotAllowedError: this person may not decide.
        StoreError: it is not stored.
    """
    _require_reader(desk)
    ledger, reader = resources.store(), desk.reader.reader_id
    if review is None:
        ledger.withdraw_decision(index, case_id=desk.case.case_id, reader_id=reader, draft_id=desk.draft_id)
    else:
        ledger.save_decision(review, case_id=desk.case.case_id, reader_id=reader, draft_id=desk.draft_id)


def report_of(desk: Desk) -> tuple[SentenceReview, ...]:
    """The decisions to sign: every drafted sentence in order, then the reader's own.

    Raises:
        IncompleteAnswerError: a sentence is undecided, or there is nothing to sign.
    """
    if desk.undecided:
        numbers = ", ".join(str(index + 1) for index in desk.undecided)
        msg = f"not signed: decide on sentence {numbers} first"
        raise IncompleteAnswerError(msg)
    if not any(review.after is not None for review in desk.decisions.values()):
        msg = "not signed: the report has no sentence left; add one, were it that nothing is found"
        raise IncompleteAnswerError(msg)
    return tuple(desk.decisions[index] for index in sorted(desk.decisions))


def sign(desk: Desk) -> Review:
    """Sign what is stored; the review as the ledger gives it back. A second press gives back the first signature.

    Raises:
        IncompleteAnswerError: a sentence is undecided.
        NotAllowedError: this person may not sign.
        NotReadBackError: the ledger does not give the signature back.
        StoreError: nothing was signed.
    """
    _require_reader(desk)
    ledger, now = resources.store(), resources.utc_now()
    edits = [kept.recorded for kept in desk.saved.values() if kept.review.decision is not Decision.KEPT]
    review = Review(
        review_id=desk.reading.review_id,
        case_id=desk.case.case_id,
        draft_id=desk.draft_id,
        reader_id=desk.reader.reader_id,
        arm=Arm.NO_AI if desk.draft is None else Arm.AI_FIRST,  # a failed draft stays among the eligible
        opened=desk.reading.opened,
        signed=now,
        active_s=state.touch(now),
        sentences=report_of(desk),
        first_edit=min(edits, default=None),
        supersedes=desk.earlier[-1].review_id if desk.earlier else None,
    )
    with suppress(RecordConflictError):  # signed by the press before this one: read that back
        ledger.sign(review, agent_role=desk.reader.role.value)
    for kept in ledger.reviews(desk.case.case_id):
        if kept.review_id == review.review_id:
            return kept
    msg = "the ledger does not give this signature back: it is not signed; run overread audit verify"
    raise NotReadBackError(msg)


def abandon(desk: Desk) -> None:
    """Record that this review was left unsigned on purpose."""
    _require_reader(desk)
    resources.store().log(
        Action.REVIEW_ABANDONED,
        agent=desk.reader.reader_id,
        role=desk.reader.role.value,
        entity=desk.case.case_id,
        detail={"review_id": desk.reading.review_id},
    )
    state.close_reading()


def _saved(ledger: Store, case_id: str, reader_id: str, *, draft_id: str | None) -> dict[int, Saved]:
    """The decisions in force on that draft, each with the time and the number of the event that stored it."""
    rows = ledger.rows(
        "SELECT sentence_index, recorded_at, sequence FROM v_saves "
        "WHERE case_id = ? AND reader_id = ? AND draft_id IS NOT DISTINCT FROM ? ORDER BY sequence",
        [case_id, reader_id, draft_id],
    )
    when = {index: (recorded, sequence) for index, recorded, sequence in rows}
    pending = ledger.pending_decisions(case_id, reader_id, draft_id=draft_id)
    return {one.index: Saved(one, *cast("tuple[datetime, int]", when[one.index])) for one in pending}


def _log_opened(ledger: Store, case_id: str, review_id: str, reader: Person) -> None:
    ledger.log(
        Action.REVIEW_OPENED,
        agent=reader.reader_id,
        role=reader.role.value,
        entity=case_id,
        detail={"review_id": review_id},
    )


def _require_reader(desk: Desk) -> None:
    if not may_sign(desk.reader):
        msg = f"the role {desk.reader.role.value} decides nothing and signs nothing: choose a reader at the left"
        raise NotAllowedError(msg)
