"""The line's rules against a model of it: who is next, what a second request gives, when a cancel comes too late."""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cases.draft import FailureKind
from vlm.drafting_job import (
    Cancelled,
    Done,
    Drafting,
    Failed,
    QueueClosedError,
    Queued,
    QueueFullError,
    Refused,
    UnknownJobError,
)
from vlm.job_line import JobLine

NOW = datetime(2026, 3, 2, tzinfo=UTC)
BOUND = 3
CASES = st.sampled_from("abcdef")
ENDS = (Done("d"), Failed("d", FailureKind.CRASH), Refused("no model"))


def line(bound=BOUND):
    numbers = itertools.count(1)
    return JobLine(bound=bound, now=lambda: NOW, new_id=lambda: f"j{next(numbers)}")


class Rules(RuleBasedStateMachine):
    """One worker's moves and the readers' presses, in any order; `waiting` and `at_work` are what should be true."""

    def __init__(self):
        super().__init__()
        self.line = line()
        self.waiting, self.at_work, self.asking, self.claimed = [], [], set(), set()
        self.ended, self.stopped = {}, []

    def live(self, case):
        return case in self.waiting or any(job.case_id == case and job.job_id not in self.ended for job in self.at_work)

    @rule(case=CASES)
    def submit(self, case):
        before = self.line.job(case)
        stands = self.live(case) or (before is not None and isinstance(before.state, Done))
        if not stands and len(self.waiting) == BOUND:
            with pytest.raises(QueueFullError, match="3 cases wait"):
                self.line.submit(case, asked_by="r")
            return
        job = self.line.submit(case, asked_by="r")
        if stands:
            assert job == before
        else:
            self.waiting.append(case)
            assert job.state == Queued(len(self.waiting))

    @precondition(lambda self: self.waiting and len(self.at_work) < 2)
    @rule()
    def take(self):
        job = self.line.take()
        assert job.case_id == self.waiting.pop(0)
        assert job.state == Drafting(NOW)
        self.at_work.append(job)

    @precondition(lambda self: self.at_work)
    @rule(data=st.data())
    def ask(self, data):
        job = data.draw(st.sampled_from(self.at_work))
        wanted = self.line.asks(job, attempt=1, stop=lambda: self.stopped.append(job.job_id))
        assert wanted == self.line.wants(job) == (job.job_id not in self.ended)
        if wanted:
            self.asking.add(job.job_id)

    @precondition(lambda self: self.at_work)
    @rule(data=st.data())
    def answer_and_claim(self, data):
        job = data.draw(st.sampled_from(self.at_work))
        self.line.answered(job)
        self.asking.discard(job.job_id)
        if self.line.claim(job):
            assert job.job_id not in self.ended
            self.claimed.add(job.job_id)

    @precondition(lambda self: self.at_work)
    @rule(data=st.data(), state=st.sampled_from(ENDS))
    def end(self, data, state):
        job = data.draw(st.sampled_from(self.at_work))
        self.line.end(job, state)
        self.at_work.remove(job)
        self.asking.discard(job.job_id)
        if job.job_id not in self.ended:
            self.ended[job.job_id] = state
            assert self.line.job(job.case_id).state == state

    @rule(case=CASES)
    def cancel(self, case):
        before = self.line.job(case)
        if before is None:
            return
        stopped = len(self.stopped)
        after, was_live = self.line.cancel(before.job_id, by="r")
        assert was_live == (before.live and before.job_id not in self.claimed)
        assert after.state == (Cancelled("r") if was_live else before.state)
        # the model is stopped when it is being asked about that very job, and never otherwise
        assert self.stopped[stopped:] == ([before.job_id] if was_live and before.job_id in self.asking else [])
        if was_live:
            self.ended[before.job_id] = after.state
            self.asking.discard(before.job_id)
            if case in self.waiting:
                self.waiting.remove(case)

    @invariant()
    def the_places_are_those_of_the_line(self):
        places = {job.case_id: job.state.place for job in self.line.jobs() if isinstance(job.state, Queued)}
        assert places == {case: place for place, case in enumerate(self.waiting, start=1)}

    @invariant()
    def what_ended_stays_ended(self):
        for job in self.line.jobs():
            assert self.ended.get(job.job_id, job.state) == job.state


TestRules = Rules.TestCase
TestRules.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_a_line_without_room_is_no_line():
    with pytest.raises(ValueError, match="bound=0"):
        line(bound=0)


def test_an_old_job_cannot_be_cancelled_in_the_place_of_a_newer_one():
    one = line()
    old = one.submit("a", asked_by="r")
    one.cancel(old.job_id, by="r")
    new = one.submit("a", asked_by="r")
    with pytest.raises(UnknownJobError, match="worklist anew"):
        one.cancel(old.job_id, by="r")
    assert one.job("a") == new


def test_the_worker_of_a_cancelled_job_cannot_end_or_stop_the_job_that_follows_it():
    one, stopped = line(), []
    one.submit("a", asked_by="r")
    first = one.take()
    one.cancel(first.job_id, by="r")
    one.submit("a", asked_by="r")
    second = one.take()
    assert one.asks(second, attempt=1, stop=lambda: stopped.append("second"))
    one.answered(first)  # late, from the other worker
    one.end(first, Done("d-first"))
    assert one.job("a").live
    one.cancel(second.job_id, by="r")
    assert stopped == ["second"]


def test_a_closed_line_takes_nothing_lets_the_worker_go_and_forgets_in_the_open():
    one = line()
    one.submit("a", asked_by="r")
    recording = one.take()
    assert one.claim(recording)
    waiting = one.submit("b", asked_by="r")
    assert [job.job_id for job in one.close(by="server")] == [waiting.job_id]
    one.end(recording, Done("d"))
    assert [job.state for job in one.jobs()] == [Done("d"), Cancelled("server")]
    assert one.take() is None
    with pytest.raises(QueueClosedError, match="stopping"):
        one.submit("c", asked_by="r")


def test_many_readers_and_workers_at_once_draft_every_case_exactly_once():
    one, taken = line(bound=200), []

    def work():
        while (job := one.take()) is not None:
            taken.append(job.case_id)
            one.end(job, Done(job.case_id))

    def ask(start):
        for number in range(start, start + 60):
            one.submit(f"c{number}", asked_by="r")

    workers = [threading.Thread(target=work) for _ in range(3)]
    readers = [threading.Thread(target=ask, args=(start,)) for start in (0, 20, 40)]  # 100 cases, most asked for twice
    for thread in (*workers, *readers):
        thread.start()
    for reader in readers:
        reader.join()
    while any(job.live for job in one.jobs()):
        threading.Event().wait(0.01)
    one.close(by="server")
    for worker in workers:
        worker.join(timeout=10)
    assert sorted(taken) == sorted(f"c{number}" for number in range(100))
