"""The drafting queue: one thread and one supervised model per device, fed from one line; pages ask it and never wait.

It owns the models and their order. It knows no store: what it drafts is fetched and recorded by the `Record` that it
is given, in the process of the caller (one writer). A model that crashes, runs out of memory or out of time is started
anew and asked once more; then the failed draft is recorded, and counts. What waits when the server stops is forgotten,
and the worklist offers it again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from cases.draft import Draft, FailureKind
from cases.evidence import DraftEvidence
from cases.pixels import Rendered
from cases.protocol import ProtocolError
from cases.study import Case
from vlm.drafting_job import Cancelled, Done, Ended, Failed, Job, NotRecordedError, Refused
from vlm.errors import ModelLoadError, ModelLostError
from vlm.job_line import JobLine

BOUND = 64  # cases that may wait: some hours of work for a slow machine
WORKER = "overread-worker"
AGAIN = (FailureKind.CRASH, FailureKind.TIMEOUT)  # what another child may get right; an unreadable answer is not
STOP_S = 10.0


class Drafted(NamedTuple):
    """A draft, and its evidence where it has some."""

    draft: Draft
    evidence: DraftEvidence | None


Outcome = Drafted | ModelLostError | None


class Step(StrEnum):
    """What the record is told of a job besides its draft."""

    REQUESTED = "requested"
    RETRIED = "retried"
    CANCELLED = "cancelled"


class Drafter(Protocol):
    """One model in a process of its own; `vlm.supervised.SupervisedDrafter` is the one there is."""

    def start(self) -> None:
        """Begin to load the model, without waiting for it."""
        ...

    def load(self) -> None:
        """Wait until the model is loaded; ModelLoadError when it cannot be."""
        ...

    def draft(self, case: Case, *, pixels: Rendered | None) -> Draft:
        """The draft of one case; a crash or a timeout is a failed draft."""
        ...

    def explain(self, draft: Draft, *, case: Case, pixels: Rendered | None) -> DraftEvidence | None:
        """The evidence of the draft just made; None where there is none to be had."""
        ...

    def interrupt(self) -> None:
        """Called from another thread: kill the process, so that `load` or `draft` returns."""
        ...

    def close(self) -> None:
        """End the process; a later call starts another."""
        ...


class Record(Protocol):
    """What the queue asks of the record of cases; called from the queue's threads."""

    def case(self, case_id: str) -> tuple[Case, Rendered | None]:
        """The case and its pixels; NotRecordedError when it cannot be given."""
        ...

    def keep(self, draft: Draft, evidence: DraftEvidence | None) -> None:
        """Record the draft and its evidence; NotRecordedError when that cannot be."""
        ...

    def note(self, step: Step, *, job: Job, agent: str, detail: dict[str, object]) -> None:
        """Record that this happened to the job."""
        ...


class DraftingQueue:
    """Drafts cases one after the other, one at a time per drafter; share it between threads, close it at the end.

    Args:
        drafters: one per device.
        record: where cases come from and drafts go to.
        now: UTC.
        new_id: for each job.
        bound: how many cases may wait.
    """

    def __init__(
        self,
        drafters: tuple[Drafter, ...],
        *,
        record: Record,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        bound: int = BOUND,
    ) -> None:
        self._drafters, self._record = drafters, record
        self._line = JobLine(bound=bound, now=now, new_id=new_id)
        self._threads: tuple[threading.Thread, ...] = ()
        self._submitting = threading.Lock()  # held while a request is written down, so that it is written once

    def warm(self) -> None:
        """Start the threads, and let each model load, so that the first case does not wait for that."""
        with self._submitting:
            self._start_threads()

    def submit(self, case_id: str, *, agent: str) -> Job:
        """Ask for a draft; a second request for a case gives the job that stands.

        Raises:
            QueueFullError: as many wait as may.
            QueueClosedError: the server is stopping.
            NotRecordedError: the request cannot be written down, and is not in line.
        """
        with self._submitting:
            standing = self._line.standing(case_id)
            if standing is not None:
                return standing
            self._start_threads()
            job = self._line.submit(case_id, asked_by=agent)
            try:
                self._record.note(Step.REQUESTED, job=job, agent=agent, detail={})
            except NotRecordedError:
                self._line.cancel(job.job_id, by=WORKER)  # what is not on record is not done
                raise
            return job

    def cancel(self, job_id: str, *, agent: str) -> Job:
        """Take a job back: out of the line at once, or from the model, whose process is killed and started anew.

        It leaves no draft, not even a failed one: a change of mind is no fault of the model. The event stays. A job
        whose draft is being recorded is not cancelled any more; the job that comes back says how it stands.

        Raises:
            UnknownJobError: no such job is known.
        """
        job, was_live = self._line.cancel(job_id, by=agent)
        if was_live:
            self._record.note(Step.CANCELLED, job=job, agent=agent, detail={"why": "asked"})
        return job

    def job(self, case_id: str) -> Job | None:
        """The latest job of a case, None when it was never asked for since the server started."""
        return self._line.job(case_id)

    def jobs(self) -> tuple[Job, ...]:
        """The latest job of each case, in the order of asking."""
        return self._line.jobs()

    def close(self) -> None:
        """Stop: cancel what waits or is being drafted, end the models, and wait (10 s at most) for the threads."""
        for job in self._line.close(by=WORKER):
            with suppress(NotRecordedError):
                self._record.note(Step.CANCELLED, job=job, agent=WORKER, detail={"why": "the server stopped"})
        deadline = time.monotonic() + STOP_S
        for drafter, thread in zip(self._drafters, self._threads, strict=False):
            while thread.is_alive() and time.monotonic() < deadline:
                drafter.interrupt()  # again, should it have been about to start a process
                thread.join(timeout=0.2)

    def _start_threads(self) -> None:
        if not self._threads:
            self._threads = tuple(
                threading.Thread(target=self._serve, args=(drafter,), name=f"{WORKER}-{number}", daemon=True)
                for number, drafter in enumerate(self._drafters)
            )
            for thread in self._threads:
                thread.start()

    def _serve(self, drafter: Drafter) -> None:
        """Draft until the line is closed; the drafter is this thread's own, but for `interrupt`."""
        try:
            drafter.start()
            while (job := self._line.take()) is not None:
                self._line.end(job, self._ended(job, drafter))
        finally:
            drafter.close()

    def _ended(self, job: Job, drafter: Drafter) -> Ended:
        try:
            return self._drafted(job, drafter)
        except (ModelLoadError, NotRecordedError, ProtocolError) as fault:
            return Refused(str(fault))
        except Exception as fault:  # noqa: BLE001 - the thread outlives it, and the page says it by its type
            return Refused(f"drafting stopped with {type(fault).__name__}, and no draft is recorded: draft again")

    def _drafted(self, job: Job, drafter: Drafter) -> Ended:
        """Ask, once more in a new process where that may help, and record what came of it."""
        case, pixels = self._record.case(job.case_id)
        outcome = self._attempt(job, drafter, case=case, pixels=pixels, attempt=1)
        why = _worth_another(outcome)
        if why is not None and self._line.wants(job):
            drafter.close()
            self._record.note(Step.RETRIED, job=job, agent=WORKER, detail={"after": why})
            outcome = self._attempt(job, drafter, case=case, pixels=pixels, attempt=2)
        return self._kept(job, drafter, outcome)

    def _attempt(self, job: Job, drafter: Drafter, *, case: Case, pixels: Rendered | None, attempt: int) -> Outcome:
        """The draft; None when the job was cancelled before the model was asked, an error when the model was lost."""
        try:
            if case.abstention is None:
                drafter.load()  # a cancel meanwhile lets it load, for the next case
        except ModelLostError as fault:
            return fault
        if not self._line.asks(job, attempt=attempt, stop=drafter.interrupt):
            return None
        try:
            draft = drafter.draft(case, pixels=pixels)
            return Drafted(draft, drafter.explain(draft, case=case, pixels=pixels))
        except ModelLostError as fault:
            return fault
        finally:
            self._line.answered(job)

    def _kept(self, job: Job, drafter: Drafter, outcome: Outcome) -> Ended:
        if outcome is None:
            return Cancelled(WORKER)
        if not self._line.claim(job):
            drafter.close()  # killed, perhaps while it was idle again: not the next case's trouble
            drafter.start()
            return Cancelled(WORKER)
        if isinstance(outcome, ModelLostError):
            raise outcome
        self._record.keep(outcome.draft, outcome.evidence)
        if outcome.draft.failure is not None:
            return Failed(outcome.draft.draft_id, outcome.draft.failure.kind)
        return Done(outcome.draft.draft_id)


def _worth_another(outcome: Outcome) -> str | None:
    """Why a new process should be asked once more, None when that would help nothing."""
    if isinstance(outcome, ModelLostError):
        return "loading"
    failure = None if outcome is None else outcome.draft.failure
    return failure.kind.value if failure is not None and failure.kind in AGAIN else None
