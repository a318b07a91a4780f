"""The line of drafting jobs: who waits, in which place, what is being drafted, and which moves are allowed.

The rules without the work: it starts no thread and knows no model (`vlm.drafting_queue` does). Safe for threads, and
its lock is held for the time of a dictionary's change only, so that a page which asks never waits for a model.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from vlm.drafting_job import (
    Cancelled,
    Done,
    Drafting,
    Ended,
    Job,
    QueueClosedError,
    Queued,
    QueueFullError,
    UnknownJobError,
)


class JobLine:
    """At most one job per case is remembered, the latest; jobs are drafted in the order in which they were asked for.

    Args:
        bound: how many may wait (those being drafted do not count).
        now: UTC.
        new_id: for each job.
    """

    def __init__(self, *, bound: int, now: Callable[[], datetime], new_id: Callable[[], str]) -> None:
        if bound < 1:
            msg = f"a line holds at least one job: bound={bound}"
            raise ValueError(msg)
        self._bound, self._now, self._new_id = bound, now, new_id
        self._changed = threading.Condition()
        self._jobs: dict[str, Job] = {}  # by case
        self._waiting: list[str] = []  # cases, the next one first
        self._asking: dict[str, Callable[[], None]] = {}  # job -> how to stop the model that has it
        self._recording: set[str] = set()  # jobs whose draft is being recorded: too late to cancel
        self._closed = False

    def submit(self, case_id: str, *, asked_by: str) -> Job:
        """The case's job: the one that stands (waiting, being drafted, or done), otherwise a new one at the end.

        Raises:
            QueueFullError: as many wait as may.
            QueueClosedError: the line was closed.
        """
        with self._changed:
            standing = self._standing(case_id)
            if standing is not None:
                return standing
            self._refuse_when_full()
            self._jobs.pop(case_id, None)
            self._jobs[case_id] = Job(self._new_id(), case_id, asked_by, self._now(), Queued(0))
            self._waiting.append(case_id)
            self._changed.notify()
            return self._view(self._jobs[case_id])

    def standing(self, case_id: str) -> Job | None:
        """The job that a submit would give back instead of making one; None when it would make one."""
        with self._changed:
            return self._standing(case_id)

    def take(self) -> Job | None:
        """Wait for the next job, which is then being drafted; None once the line is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            if self._closed:
                return None
            case_id = self._waiting.pop(0)
            self._jobs[case_id] = replace(self._jobs[case_id], state=Drafting(self._now()))
            return self._jobs[case_id]

    def asks(self, job: Job, *, attempt: int, stop: Callable[[], None]) -> bool:
        """A model is about to be asked; whether it still should be. Until `answered`, a cancel calls `stop`."""
        with self._changed:
            state = self._of(job)
            if not isinstance(state, Drafting):
                return False
            self._jobs[job.case_id] = replace(job, state=replace(state, attempt=attempt))
            self._asking[job.job_id] = stop
            return True

    def wants(self, job: Job) -> bool:
        """Whether its draft is still wanted: it was not cancelled."""
        with self._changed:
            return isinstance(self._of(job), Drafting)

    def answered(self, job: Job) -> None:
        """The model is not being asked any more: a cancel has nothing to stop."""
        with self._changed:
            self._asking.pop(job.job_id, None)

    def claim(self, job: Job) -> bool:
        """Its draft is about to be recorded; whether it still should be. After this, a cancel is too late."""
        with self._changed:
            wanted = isinstance(self._of(job), Drafting)
            if wanted:
                self._recording.add(job.job_id)
            return wanted

    def end(self, job: Job, state: Ended) -> None:
        """How it ended, unless it was cancelled before."""
        with self._changed:
            if isinstance(self._of(job), Drafting):
                self._jobs[job.case_id] = replace(job, state=state)
            self._recording.discard(job.job_id)
            self._asking.pop(job.job_id, None)

    def cancel(self, job_id: str, *, by: str) -> tuple[Job, bool]:
        """The job as it stands now, and whether this call cancelled it (an ended job, or one too late, stays).

        Raises:
            UnknownJobError: no such job is known.
        """
        with self._changed:
            job = next((one for one in self._jobs.values() if one.job_id == job_id), None)
            if job is None:
                msg = f"no drafting job {job_id!r} is known: look at the worklist anew, the server may have restarted"
                raise UnknownJobError(msg)
            return self._cancelled(job, by)

    def close(self, *, by: str) -> tuple[Job, ...]:
        """Take no more, and cancel whatever is not being recorded; those jobs."""
        with self._changed:
            self._closed = True
            ended = [self._cancelled(job, by) for job in list(self._jobs.values())]
            self._changed.notify_all()
            return tuple(job for job, was_live in ended if was_live)

    def job(self, case_id: str) -> Job | None:
        """The latest job of a case, None when it was never asked for."""
        with self._changed:
            job = self._jobs.get(case_id)
            return None if job is None else self._view(job)

    def jobs(self) -> tuple[Job, ...]:
        """The latest job of each case, in the order of asking."""
        with self._changed:
            return tuple(self._view(job) for job in self._jobs.values())

    def _standing(self, case_id: str) -> Job | None:
        job = self._jobs.get(case_id)
        return self._view(job) if job is not None and (job.live or isinstance(job.state, Done)) else None

    def _refuse_when_full(self) -> None:
        if self._closed:
            msg = "the server is stopping and takes no more cases to draft: ask again when it is back"
            raise QueueClosedError(msg)
        if len(self._waiting) >= self._bound:
            msg = (
                f"{len(self._waiting)} cases wait for a draft already, and no more may: "
                "ask again when one is done, cancel one, or read the case without a draft"
            )
            raise QueueFullError(msg)

    def _of(self, job: Job) -> object:
        """The state of that very job, None when another took its place."""
        kept = self._jobs.get(job.case_id)
        return kept.state if kept is not None and kept.job_id == job.job_id else None

    def _cancelled(self, job: Job, by: str) -> tuple[Job, bool]:
        if not job.live or job.job_id in self._recording:
            return self._view(job), False
        if job.case_id in self._waiting:
            self._waiting.remove(job.case_id)
        self._jobs[job.case_id] = replace(job, state=Cancelled(by))
        stop = self._asking.pop(job.job_id, None)
        if stop is not None:
            stop()
        return self._jobs[job.case_id], True

    def _view(self, job: Job) -> Job:
        """The job with its place in line filled in."""
        if not isinstance(job.state, Queued):
            return job
        return replace(job, state=Queued(self._waiting.index(job.case_id) + 1))
