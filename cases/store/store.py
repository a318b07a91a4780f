"""The ledger as the rest of the house sees it: cases, drafts, evidence and reviews in; the same, and proofs, out.

Append-only: there is no way here to change or remove a row. Every write is one transaction with its audit event, read
back before the call returns. Nothing but this package knows DuckDB. Retention and the written protocol are not here:
triggers come in with the evidence; what a blocking one blocks follows from the rows, in the view `v_cases`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from cases.audit import Action, AuditEvent
from cases.draft import Draft, DraftStatus
from cases.evidence import DraftEvidence
from cases.review import Review, SentenceReview
from cases.second_read import SecondRead
from cases.store import anchor_file, query, reading, second_look, writes
from cases.store.chain import Entry, anchor_from_json
from cases.store.database import Cursor, Database
from cases.store.errors import TornWriteError
from cases.store.ledger import Checkpoint, Ledger, head_of, no_checkpoint, read_event, stands_whole
from cases.store.migrate import migrate
from cases.store.records import Work
from cases.store.verify import Verification, verify
from cases.study import Case, CaseStatus
from grounding.triggers import Trigger

CURRENT = "(current)"  # instead of a draft id: the latest draft when it is usable, otherwise no draft


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that something stands in the store: its event, read back.

    Attributes:
        sequence, recorded: of the event; `recorded` is UTC.
        hash: of the event; printed on a signed report, it anchors everything up to it.
    """

    sequence: int
    recorded: datetime
    hash: str


class Store:
    """One open store; share it between threads, and open it once per process."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger

    @classmethod
    def open(cls, path: Path, *, now: Callable[[], datetime], checkpoint: Checkpoint = no_checkpoint) -> Self:
        """Open the store, making or migrating it where needed.

        Args:
            path: of the DuckDB file.
            now: the clock, timezone-aware.
            checkpoint: called at the marked places of every write (tests cut the process there).

        Raises:
            StoreBusyError: another process holds it; the message names it.
            StoreUnreadableError: it is no store, or one of a newer version.
        """
        database = Database(path)
        try:
            ledger = Ledger(database, now=now, checkpoint=checkpoint)
            migrate(database, ledger)
        except BaseException:
            database.close()
            raise
        return cls(database, ledger)

    def close(self) -> None:
        """Let the file go."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def register(self, case: Case, *, agent: str, role: str) -> bool:
        """Keep a case as it came in; whether it is new. The same case again (whenever it arrived) changes nothing.

        Raises:
            RecordConflictError: a case of that id is kept with another content.
        """
        return self._ledger.append(writes.registering(case, agent=agent, role=role)) is not None

    def record_draft(
        self, draft: Draft, *, agent: str, role: str = "author", evidence: DraftEvidence | None = None
    ) -> bool:
        """Keep a draft, whatever became of it, with its evidence where there is some; whether anything of it is new.

        Both in one transaction, so that nobody signs a draft whose blocking triggers are still on their way. Recording
        them again changes nothing.

        Raises:
            UnknownRecordError: its case is not kept.
            RecordConflictError: a draft (or evidence) of that id is kept with another content.
            RefusedError: the case is out of scope, and the draft is not an abstention; or the evidence is of another
                draft or does not fit its sentences.
        """
        return self._ledger.append(second_look.drafting(draft, evidence, agent=agent, role=role)) is not None

    def record_evidence(self, evidence: DraftEvidence, *, agent: str, role: str = "author") -> bool:
        """Keep what was measured of a draft, with a row for each trigger; whether it is new.

        Recording it again changes nothing. A draft may be measured more than once, and the latest is shown; a blocking
        trigger of an earlier measuring stands all the same.

        Raises:
            UnknownRecordError: its draft is not kept, or is of another case.
            RecordConflictError: evidence of that id is kept with another content.
            RefusedError: it does not fit the draft's sentences.
        """
        return self._ledger.append(second_look.measuring(evidence, agent=agent, role=role)) is not None

    def record_second_read(self, second_read: SecondRead, *, agent_role: str) -> Receipt:
        """Sign a second read; read back. Signing it again gives the same receipt.

        Raises:
            RecordConflictError: a second read of that id is signed with another content.
            SameReaderError: the reader signed the review.
            NothingToSecondReadError, SecondReadSettledError, UnknownRecordError: by the rules of
                `cases.store.second_look`.
            StoreFaultError, StoreContendedError: nothing was recorded; signing it again is safe.
        """
        event = self._ledger.append(second_look.second_reading(second_read, role=agent_role))
        if event is None:
            with self._snapshot() as cursor:
                kept = reading.find_second_read(cursor, second_read.second_read_id)
                event = _standing_event(cursor, kept[1] if kept else None)
        return _receipt(event)

    def log(self, action: Action, *, agent: str, role: str, entity: str, detail: Mapping[str, object]) -> Receipt:
        """Record that something happened that writes no other row (a view, an opening, an export)."""
        return _receipt(self._ledger.append(lambda _: Entry(action, agent, role, entity, detail)))

    def save_decision(self, decision: SentenceReview, *, case_id: str, reader_id: str, draft_id: str | None) -> Receipt:
        """Keep what a reader has decided on a sentence, at once; the latest save of a sentence counts.

        Saving again what was saved last changes nothing and gives the same receipt.

        Raises:
            UnknownRecordError: the case, or that draft of it, is not kept.
        """
        return self._save(decision.index, decision, Work(case_id, reader_id, draft_id))

    def withdraw_decision(self, index: int, *, case_id: str, reader_id: str, draft_id: str | None) -> Receipt:
        """Take back what was saved for a sentence (an added one that the reader dropped again, say)."""
        return self._save(index, None, Work(case_id, reader_id, draft_id))

    def _save(self, index: int, decision: SentenceReview | None, work: Work) -> Receipt:
        event = self._ledger.append(writes.saving(index, decision, work))
        if event is None:
            with self._snapshot() as cursor:
                saved = reading.last_save(cursor, index, work)
                event = _standing_event(cursor, saved[1] if saved else None)
        return _receipt(event)

    def pending_decisions(
        self, case_id: str, reader_id: str, *, draft_id: str | None = CURRENT
    ) -> tuple[SentenceReview, ...]:
        """What the reader has decided on that draft and not signed yet, by sentence.

        Args:
            case_id: the case.
            reader_id: the reader.
            draft_id: the draft they were typed on, None for none; by default the one that can be signed now.
        """
        with self._snapshot() as cursor:
            if draft_id == CURRENT:
                latest = reading.latest_draft(cursor, case_id)
                draft_id = latest.draft_id if latest is not None and latest.status is DraftStatus.OK else None
            return reading.pending(cursor, Work(case_id, reader_id, draft_id))

    def sign(self, review: Review, *, agent_role: str) -> Receipt:
        """Sign a review: rows and event in one transaction, read back. Signing it again gives the same receipt.

        Raises:
            RecordConflictError: a review of that id is signed with another content.
            AlreadySignedError, NothingToAmendError, StaleDraftError, ReviewMismatchError, UnknownRecordError: by the
                rules of `cases.store.signing`.
            StoreFaultError, StoreContendedError: nothing was recorded; signing it again is safe.
            TornWriteError: the store does not hold what was signed.
        """
        event = self._ledger.append(writes.signing(review, role=agent_role))
        if event is None:
            with self._snapshot() as cursor:
                kept = reading.find_review(cursor, review.review_id)
                event = _standing_event(cursor, kept[1] if kept else None)
        return _receipt(event)

    def cases(self) -> tuple[Case, ...]:
        """Every case, in the order of arrival in the store."""
        with self._database.cursor() as cursor:
            return reading.all_cases(cursor)

    def case(self, case_id: str) -> Case:
        """The case of that id.

        Raises:
            UnknownRecordError: there is none.
        """
        with self._database.cursor() as cursor:
            return reading.one_case(cursor, case_id)

    def drafts(self, case_id: str | None = None) -> tuple[Draft, ...]:
        """Drafts of a case, or of all, oldest first; failed ones among them."""
        with self._database.cursor() as cursor:
            return reading.all_drafts(cursor, case_id)

    def latest_draft(self, case_id: str) -> Draft | None:
        """The draft recorded last, failed or not; None when there is none."""
        with self._database.cursor() as cursor:
            return reading.latest_draft(cursor, case_id)

    def evidence_of(self, draft_id: str) -> DraftEvidence | None:
        """What was measured of a draft, by the latest measuring; None when nothing was."""
        with self._database.cursor() as cursor:
            measured = reading.all_evidence(cursor, draft_id)
            return measured[-1] if measured else None

    def second_reads(self, case_id: str | None = None) -> tuple[SecondRead, ...]:
        """Second reads of a case, or of all, oldest first; those of superseded reviews among them."""
        with self._database.cursor() as cursor:
            return reading.all_second_reads(cursor, case_id)

    def waits_for_second_read(self, case_id: str) -> tuple[Trigger, ...]:
        """The blocking triggers for which a second reader must agree with the review in force; empty when none must."""
        with self._snapshot() as cursor:
            return reading.blocking(cursor, case_id)

    def reviews(self, case_id: str | None = None) -> tuple[Review, ...]:
        """Signed reviews of a case, or of all, oldest first; the last of a case is the one in force."""
        with self._database.cursor() as cursor:
            return reading.all_reviews(cursor, case_id)

    def status(self, case_id: str) -> CaseStatus:
        """Where the case stands now, derived from its rows.

        Raises:
            UnknownRecordError: there is no such case.
        """
        with self._database.cursor() as cursor:
            return reading.case_status(cursor, case_id)

    def events(self) -> tuple[AuditEvent, ...]:
        """The whole chain, in order."""
        with self._database.cursor() as cursor:
            return reading.all_events(cursor)

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """The rows of one SELECT over the views of `migrations/` (v_cases, v_drafts, v_reviews, v_triggers, ...).

        Raises:
            QueryRefusedError: it is not one SELECT, or DuckDB does not take it.
        """
        with self._database.cursor() as cursor:
            return query.select(cursor, sql, params)

    def head(self) -> str:
        """The anchor to keep elsewhere, as JSON: sequence and hash of the last event."""
        with self._database.cursor() as cursor:
            return head_of(cursor).as_json()

    def save_head(self, path: Path) -> None:
        """Write the anchor to a file, whole or not at all."""
        anchor_file.write(path, self.head())

    def verify(self, *, anchor: str | None = None) -> Verification:
        """Recompute every event and every row of every table.

        Args:
            anchor: a head saved earlier, as JSON; without one, a tail that was cut off cleanly is not seen.

        Raises:
            AnchorError: the anchor is not one.
        """
        saved = anchor_from_json(anchor) if anchor is not None else None
        with self._snapshot() as cursor:
            return verify(cursor, anchor=saved)

    @contextmanager
    def _snapshot(self) -> Iterator[Cursor]:
        with self._database.cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            try:
                yield cursor
            finally:
                cursor.rollback()


def _standing_event(cursor: Cursor, sequence: int | None) -> AuditEvent | None:
    """The event of that sequence, when it and the rows it wrote stand as they were written."""
    event = read_event(cursor, sequence) if sequence is not None else None
    return event if event is not None and stands_whole(cursor, event) else None


def _receipt(event: AuditEvent | None) -> Receipt:
    if event is None:
        msg = "what is recorded already does not stand as it was written: run `overread audit verify` before going on"
        raise TornWriteError(msg)
    return Receipt(event.sequence, event.recorded, event.hash)
