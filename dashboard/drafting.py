"""Drafting from the dashboard: the queue that this server owns, what it may record, and what a reader may ask of it.

No page waits here: a request is written down and put in line. Without a model, or where the server is told not to
draft, there is no queue, and the pages serve review only, with the reason in words.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from cases.audit import Action
from cases.draft import Draft, DraftStatus
from cases.evidence import DraftEvidence
from cases.images import ImageStore, ImageStoreError
from cases.pixels import Pixels, pixels_of
from cases.store import Store
from cases.store.errors import StoreError
from cases.study import Case
from dashboard.identity import Person, may_draft
from dashboard.settings import DRAFTING_VARIABLE, drafting_is_on, model_name
from vlm.devices import child_environments
from vlm.drafting_job import Job, NotRecordedError
from vlm.drafting_queue import WORKER, DraftingQueue, Step
from vlm.errors import ModelLoadError
from vlm.model_spec import ModelSpec
from vlm.rulebook import rules_for
from vlm.self_test_record import offered_model
from vlm.supervised import SupervisedDrafter

ACTION = {
    Step.REQUESTED: Action.DRAFT_REQUESTED,
    Step.RETRIED: Action.DRAFT_RETRIED,
    Step.CANCELLED: Action.DRAFT_CANCELLED,
}


class DraftingNotAllowedError(PermissionError):
    """This person, or this server, drafts nothing; the message says why, and the way out."""


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """The ledger as the drafting queue sees it; implements `vlm.drafting_queue.Record`."""

    store: Store
    images: ImageStore

    def case(self, case_id: str) -> tuple[Case, Pixels | None]:
        """The case and its pixels.

        Raises:
            NotRecordedError: the store or the image store does not give them.
        """
        try:
            case = self.store.case(case_id)
            return case, pixels_of(case, self.images)
        except (StoreError, ImageStoreError) as error:
            raise NotRecordedError(str(error)) from error

    def keep(self, draft: Draft, evidence: DraftEvidence | None) -> None:
        """Record the draft, and its evidence where it has some.

        Raises:
            NotRecordedError: the store would not take it.
        """
        try:
            self.store.record_draft(draft, agent=WORKER, evidence=evidence)
        except StoreError as error:
            raise NotRecordedError(str(error)) from error

    def note(self, step: Step, *, job: Job, agent: str, detail: dict[str, object]) -> None:
        """Log what happened to a job under its case.

        Raises:
            NotRecordedError: the store would not take it.
        """
        role = "author" if agent == WORKER else "reader"
        try:
            self.store.log(
                ACTION[step], agent=agent, role=role, entity=job.case_id, detail={"job_id": job.job_id, **detail}
            )
        except StoreError as error:
            raise NotRecordedError(str(error)) from error


@dataclass(frozen=True, slots=True)
class DraftingDesk:
    """What the pages ask.

    Attributes:
        queue: None where this server serves review only.
        why_not: why it does, in words; "" where it drafts.
    """

    queue: DraftingQueue | None
    why_not: str = ""

    @property
    def busy(self) -> bool:
        """Whether a case waits or is being drafted."""
        return any(job.live for job in self.jobs.values())

    @property
    def jobs(self) -> dict[str, Job]:
        """The latest job of each case, by case."""
        return {} if self.queue is None else {job.case_id: job for job in self.queue.jobs()}

    def request(self, case_id: str, *, reader: Person, store: Store) -> Job | None:
        """Ask for a draft of a case; None when a usable one came in before (the page was older than that).

        Raises:
            DraftingNotAllowedError: this person or this server may not.
            QueueFullError, QueueClosedError, NotRecordedError: it is not in line; the message names the way out.
        """
        queue = self._queue_for(reader)
        latest = store.latest_draft(case_id)
        if latest is not None and latest.status is not DraftStatus.FAILED:
            return None
        return queue.submit(case_id, agent=reader.reader_id)

    def cancel(self, job_id: str, *, reader: Person) -> Job:
        """Take a request back; the job as it stands then.

        Raises:
            DraftingNotAllowedError: this person or this server may not.
            UnknownJobError: the server does not know the job any more.
        """
        return self._queue_for(reader).cancel(job_id, agent=reader.reader_id)

    def warm(self) -> None:
        """Let the model load, so that the first request does not wait for that."""
        if self.queue is not None:
            self.queue.warm()

    def close(self) -> None:
        """Stop drafting and end the model's process."""
        if self.queue is not None:
            self.queue.close()

    def _queue_for(self, reader: Person) -> DraftingQueue:
        if not may_draft(reader):
            msg = f"the role {reader.role.value} asks for no drafts: choose a reader at the left"
            raise DraftingNotAllowedError(msg)
        if self.queue is None:
            raise DraftingNotAllowedError(self.why_not)
        return self.queue


def drafting_desk(
    record: LedgerRecord, *, path: Path, now: Callable[[], datetime], new_id: Callable[[], str]
) -> DraftingDesk:
    """The desk of this server, by its settings and by what is installed; no process is started yet.

    Args:
        record: what the queue reads from and writes to.
        path: of the store, beside which the site lists its models and keeps their self-tests.
        now: UTC.
        new_id: for jobs and drafts.

    Raises:
        SettingError: the setting says neither on nor off.
    """
    if not drafting_is_on():
        return DraftingDesk(None, f"Review only: this server is set not to draft ({DRAFTING_VARIABLE}=off).")
    try:
        spec = offered_model(model_name(), path)
        _need_packages(spec)
    except ModelLoadError as error:
        return DraftingDesk(None, f"Review only: {error}; `overread doctor` says what is missing.")
    # a served model has its GPUs elsewhere: one process here asks it
    places = child_environments(os.environ) if spec.endpoint is None else ({},)
    drafters = tuple(
        SupervisedDrafter(spec, now=now, new_id=new_id, environment=added, rules=partial(rules_for, spec, path))
        for added in places
    )
    return DraftingDesk(DraftingQueue(drafters, record=record, now=now, new_id=new_id))


def _need_packages(spec: ModelSpec) -> None:
    if spec.endpoint is not None:
        return
    missing = [name for name in ("torch", "transformers") if find_spec(name) is None]
    if missing:
        msg = f"no model runs on this machine, since it has no {' and no '.join(missing)}"
        raise ModelLoadError(msg)
