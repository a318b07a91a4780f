"""The queue with drafters written by hand: retry, cancel, stop; the record and the worker survive each other."""

from __future__ import annotations

import itertools
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cases.draft import Draft, DraftStatus, Failure, FailureKind, ModelIdentity
from cases.evidence import DraftEvidence, SentenceEvidence
from cases.study import CaseStatus
from grounding.codecs.phrase import Phrase
from grounding.derive import derive_sentence
from grounding.report import GroundedReport
from vlm.drafting_job import Cancelled, Done, Drafting, Failed, NotRecordedError, Queued, QueueFullError, Refused
from vlm.drafting_queue import WORKER, DraftingQueue, Step
from vlm.errors import ModelLoadError, ModelLostError

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MODEL = ModelIdentity("by-hand", "0" * 64, "none", "float32", "1" * 64, "maira2@1")
REPORT = GroundedReport((derive_sentence(Phrase("No pleural effusion.", ()), notes={}),))
OK = "ok"
HELD = "held"  # drafts until it is interrupted, or let go


class ByHand:
    """A drafter that does what a list says, one entry for each time it is asked."""

    def __init__(self, *acts):
        self.acts, self.asked, self.calls = list(acts), [], []
        self.at_it, self.go_on, self.killed = threading.Event(), threading.Event(), threading.Event()
        self.loads = []  # errors to raise while loading, in order

    def start(self):
        self.calls.append("start")

    def load(self):
        self.calls.append("load")
        fault = self.loads.pop(0) if self.loads else None
        if fault is not None:
            raise fault

    def interrupt(self):
        self.killed.set()
        self.go_on.set()

    def close(self):
        self.calls.append("close")
        self.killed.clear()

    def draft(self, case, *, pixels):
        self.asked.append(case.case_id)
        act = self.acts.pop(0) if self.acts else OK
        if act == HELD:
            self.at_it.set()
            assert self.go_on.wait(10)
            act = FailureKind.CRASH if self.killed.is_set() else OK
        if isinstance(act, Exception):
            raise act
        return draft(f"d{len(self.asked)}-{case.case_id}", case.case_id, act)

    def explain(self, draft, *, case, pixels):
        return evidence_of(draft) if draft.report is not None else None


def evidence_of(draft):
    told = tuple(SentenceEvidence(index) for index in range(len(draft.report.sentences)))
    return DraftEvidence(f"e-{draft.draft_id}", draft.draft_id, draft.case_id, NOW, told, "0" * 64)


def draft(draft_id, case_id, act):
    if act == OK:
        return Draft(draft_id, case_id, NOW, DraftStatus.OK, MODEL, "said", report=REPORT)
    return Draft(draft_id, case_id, NOW, DraftStatus.FAILED, MODEL, "", failure=Failure(act, "as the test says"))


class Book:
    """A record that keeps what it is given, and fails where a test says so."""

    def __init__(self, make_case):
        self.make_case, self.kept, self.noted, self.faults = make_case, [], [], {}
        self.explained = []

    def _may_fail(self, what):
        if what in self.faults:
            raise self.faults[what]

    def case(self, case_id):
        self._may_fail("case")
        changes = {"status": CaseStatus.ABSTAINED, "abstention": "a leg"} if case_id == "leg" else {}
        return self.make_case(case_id=case_id, **changes), None

    def keep(self, one, evidence):
        self._may_fail("keep")
        self.kept.append(one)
        self.explained.append(evidence)

    def note(self, step, *, job, agent, detail):
        self._may_fail(step)
        self.noted.append((step, job.case_id, agent, detail))


@pytest.fixture
def book(make_case):
    return Book(make_case)


@pytest.fixture
def queue(book):
    made = []

    def make(*drafters, bound=8):
        numbers = itertools.count(1)
        made.append(
            DraftingQueue(drafters, record=book, now=lambda: NOW, new_id=lambda: f"j{next(numbers)}", bound=bound)
        )
        return made[-1]

    yield make
    for each in made:
        each.close()


def settled(queue, case_id="c1"):
    """The job once it is not live any more, and its worker is done with it."""
    deadline = time.monotonic() + 10
    while queue.job(case_id).live:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return queue.job(case_id).state


def test_a_case_is_drafted_recorded_and_written_down(queue, book):
    one = queue(ByHand())
    job = one.submit("c1", agent="reader-a")
    assert (job.case_id, job.asked_by, job.asked) == ("c1", "reader-a", NOW)
    assert settled(one) == Done("d1-c1")
    assert [kept.draft_id for kept in book.kept] == ["d1-c1"]
    assert [told.draft_id for told in book.explained] == ["d1-c1"]
    assert book.noted == [(Step.REQUESTED, "c1", "reader-a", {})]


def test_a_second_press_gives_the_same_job_and_is_not_written_down_again(queue, book):
    drafter = ByHand(HELD)
    one = queue(drafter)
    first = one.submit("c1", agent="reader-a")
    assert drafter.at_it.wait(10)
    assert one.submit("c1", agent="reader-b").job_id == first.job_id
    drafter.go_on.set()
    assert settled(one) == Done("d1-c1")
    assert one.submit("c1", agent="reader-b").job_id == first.job_id  # from a page drawn before the draft came in
    assert drafter.asked == ["c1"]
    assert len(book.noted) == 1


def test_those_who_wait_have_places_and_the_line_has_an_end(queue):
    drafter = ByHand(HELD)
    one = queue(drafter, bound=2)
    one.submit("c1", agent="r")
    assert drafter.at_it.wait(10)
    assert isinstance(one.job("c1").state, Drafting)
    assert one.submit("c2", agent="r").state == Queued(1)
    assert one.submit("c3", agent="r").state == Queued(2)
    with pytest.raises(QueueFullError, match="2 cases wait for a draft already"):
        one.submit("c4", agent="r")
    one.cancel(one.job("c2").job_id, agent="r")
    assert one.job("c3").state == Queued(1)
    assert one.submit("c4", agent="r").state == Queued(2)
    drafter.go_on.set()
    assert [settled(one, case) for case in ("c3", "c4")] == [Done("d2-c3"), Done("d3-c4")]
    assert drafter.asked == ["c1", "c3", "c4"]


@pytest.mark.parametrize("kind", [FailureKind.CRASH, FailureKind.TIMEOUT])
def test_a_crash_or_a_timeout_is_tried_once_more_in_a_new_process(queue, book, kind):
    drafter = ByHand(kind, OK)
    one = queue(drafter)
    one.submit("c1", agent="r")
    assert settled(one) == Done("d2-c1")
    assert drafter.calls[:4] == ["start", "load", "close", "load"]  # closed in between: never the same process
    assert [kept.draft_id for kept in book.kept] == ["d2-c1"]
    assert book.noted[1:] == [(Step.RETRIED, "c1", WORKER, {"after": kind.value})]  # the fault stays countable


def test_a_second_crash_is_a_failed_draft_that_counts_and_the_next_case_is_drafted(queue, book):
    drafter = ByHand(FailureKind.CRASH, FailureKind.TIMEOUT, OK)
    one = queue(drafter)
    one.submit("c1", agent="r")
    one.submit("c2", agent="r")
    assert settled(one, "c1") == Failed("d2-c1", FailureKind.TIMEOUT)
    assert settled(one, "c2") == Done("d3-c2")
    assert [kept.status for kept in book.kept] == [DraftStatus.FAILED, DraftStatus.OK]
    assert book.explained[0] is None  # a draft without a report has nothing to explain
    assert one.submit("c1", agent="r").live  # and may be asked for again


def test_an_answer_that_cannot_be_read_is_not_asked_for_again(queue, book):
    drafter = ByHand(FailureKind.PARSE)
    one = queue(drafter)
    one.submit("c1", agent="r")
    assert settled(one) == Failed("d1-c1", FailureKind.PARSE)
    assert drafter.asked == ["c1"]


def test_a_case_out_of_scope_asks_for_no_model(queue):
    drafter = ByHand()
    drafter.loads = [ModelLoadError("must not be loaded for a leg")]
    one = queue(drafter)
    one.submit("leg", agent="r")
    assert isinstance(settled(one, "leg"), Done)


@pytest.mark.parametrize(
    ("loads", "state"),
    [
        ([ModelLoadError("weights are others")], Refused("weights are others")),  # would be so again
        ([ModelLostError("killed"), None], Done("d1-c1")),  # memory was short for a moment
        ([ModelLostError("killed"), ModelLostError("killed again")], Refused("killed again")),
    ],
)
def test_a_model_that_does_not_load_leaves_no_draft(queue, book, loads, state):
    drafter = ByHand()
    drafter.loads = loads
    one = queue(drafter)
    one.submit("c1", agent="r")
    assert settled(one) == state
    assert len(book.kept) == isinstance(state, Done)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (NotRecordedError("no room on the disk: make some"), "no room on the disk: make some"),
        # of an error that nobody foresaw, only the type: its text may quote a note
        (KeyError("Mrs Miller"), "drafting stopped with KeyError, and no draft is recorded: draft again"),
    ],
)
@pytest.mark.parametrize("where", ["case", "keep"])
def test_a_record_that_fails_is_said_and_ends_neither_worker_nor_queue(queue, book, where, fault, said):
    one = queue(ByHand())
    book.faults[where] = fault
    one.submit("c1", agent="r")
    assert settled(one) == Refused(said)
    book.faults.clear()
    one.submit("c1", agent="r")
    assert isinstance(settled(one), Done)


def test_a_request_that_cannot_be_written_down_is_not_in_line(queue, book):
    drafter = ByHand(HELD)
    one = queue(drafter)
    one.submit("c0", agent="r")
    assert drafter.at_it.wait(10)
    book.faults[Step.REQUESTED] = NotRecordedError("no room on the disk")
    with pytest.raises(NotRecordedError):
        one.submit("c1", agent="r")
    assert not one.job("c1").live
    drafter.go_on.set()
    settled(one, "c0")
    assert drafter.asked == ["c0"]


def test_a_cancelled_model_is_killed_leaves_no_draft_and_is_started_for_the_next(queue, book):
    drafter = ByHand(HELD, OK)
    one = queue(drafter)
    one.submit("c1", agent="reader-a")
    assert drafter.at_it.wait(10)
    job = one.job("c1")
    assert one.cancel(job.job_id, agent="reader-b").state == Cancelled("reader-b")  # at once, not when it is killed
    one.submit("c2", agent="reader-a")
    assert settled(one, "c2") == Done("d2-c2")
    assert [kept.case_id for kept in book.kept] == ["c2"]  # a change of mind is no failed draft
    assert (Step.CANCELLED, "c1", "reader-b", {"why": "asked"}) in book.noted
    assert Step.RETRIED not in [step for step, *_ in book.noted]
    assert drafter.calls[2:4] == ["close", "start"]
    one.cancel(job.job_id, agent="reader-b")  # pressed twice: nothing more happens
    assert [step for step, *_ in book.noted].count(Step.CANCELLED) == 1


def test_a_cancel_while_the_draft_is_being_recorded_comes_too_late_and_says_so(queue, book):
    one = queue(ByHand())
    answers = []
    book.keep = lambda kept, _: answers.append(one.cancel("j1", agent="r")) or book.kept.append(kept)
    one.submit("c1", agent="r")
    assert settled(one) == Done("d1-c1")
    assert isinstance(answers[0].state, Drafting)
    assert len(book.kept) == 1
    assert Step.CANCELLED not in [step for step, *_ in book.noted]


def test_a_draft_that_was_finished_when_it_was_cancelled_is_not_recorded(queue, book):
    # the cancel comes in after the model answered and before the worker is told
    drafter = ByHand()
    inner = drafter.draft

    def cancelled_at_the_end(case, *, pixels):
        done = inner(case, pixels=pixels)
        one.cancel("j1", agent="r")
        return done

    drafter.draft = cancelled_at_the_end
    one = queue(drafter)
    one.submit("c1", agent="r")
    assert settled(one) == Cancelled("r")
    one.close()
    assert book.kept == []
    assert drafter.killed.is_set() is False  # the process that was killed while idle does not serve the next case


def test_stopping_cancels_what_waits_kills_the_model_and_is_written_down(queue, book):
    drafter = ByHand(HELD)
    one = queue(drafter)
    one.submit("c1", agent="r")
    one.submit("c2", agent="r")
    assert drafter.at_it.wait(10)
    started = time.monotonic()
    one.close()
    assert time.monotonic() - started < 5
    assert [one.job(case).state for case in ("c1", "c2")] == [Cancelled(WORKER)] * 2
    assert book.kept == []
    why = {"why": "the server stopped"}
    assert book.noted[2:] == [(Step.CANCELLED, "c1", WORKER, why), (Step.CANCELLED, "c2", WORKER, why)]
    assert drafter.calls[-1] == "close"


def test_stopping_does_not_wait_for_a_model_that_loads(queue):
    drafter = ByHand()
    loading = threading.Event()

    def load():
        loading.set()
        assert drafter.go_on.wait(30)
        raise ModelLostError("killed while loading")

    drafter.load = load
    one = queue(drafter)
    one.submit("c1", agent="r")
    assert loading.wait(10)
    started = time.monotonic()
    one.close()
    assert time.monotonic() - started < 5
    assert one.job("c1").state == Cancelled(WORKER)


def test_a_queue_that_was_never_asked_starts_nothing_and_stops(queue):
    drafter = ByHand()
    queue(drafter).close()
    assert drafter.calls == []


def test_a_warm_queue_has_its_models_loading_before_the_first_case(queue):
    drafters = (ByHand(), ByHand())
    one = queue(*drafters)
    one.warm()
    one.warm()
    one.close()
    assert [drafter.calls for drafter in drafters] == [["start", "close"]] * 2


def test_one_worker_per_device_and_none_waits_for_the_other(queue):
    held, free = ByHand(HELD, HELD, HELD), ByHand(HELD, HELD, HELD)
    one = queue(held, free)
    one.submit("c1", agent="r")
    one.submit("c2", agent="r")
    assert held.at_it.wait(10)
    assert free.at_it.wait(10)
    free.go_on.set()
    one.submit("c3", agent="r")
    settled(one, "c3")
    assert held.asked != []
    assert len(free.asked) == 2
    held.go_on.set()
    assert {type(settled(one, case)) for case in ("c1", "c2", "c3")} == {Done}


def test_a_real_process_that_dies_runs_out_of_memory_or_hangs_costs_no_other_case(
    queue, book, scripted, pixels, tmp_path, monkeypatch
):
    from vlm.supervised import Deadlines, SupervisedDrafter

    monkeypatch.setenv("SCRIPTED_MARKS", str(tmp_path))
    ids = itertools.count(1)
    supervised = SupervisedDrafter(
        scripted.SPEC,
        now=lambda: NOW,
        new_id=lambda: f"d{next(ids)}",
        deadlines=Deadlines(load_s=120, case_s=60),
        backend="scripted_backend:FromPrompt",
    )
    book.case = lambda case_id: (book.make_case(case_id=case_id, indication=case_id), pixels)
    one = queue(supervised)
    for case_id in ("die once", "allocate", "hang", "pid"):
        one.submit(case_id, agent="r")
    _until((tmp_path / "hangs").exists)
    one.cancel(one.job("hang").job_id, agent="r")
    _until(lambda: not one.job("pid").live)
    states = [one.job(case_id).state for case_id in ("die once", "allocate", "hang", "pid")]
    assert [type(state) for state in states] == [Done, Failed, Cancelled, Done]
    assert states[1].kind is FailureKind.CRASH
    assert [kept.case_id for kept in book.kept] == ["die once", "allocate", "pid"]
    assert [(step, case) for step, case, *_ in book.noted if step is Step.RETRIED] == [
        (Step.RETRIED, "die once"),
        (Step.RETRIED, "allocate"),
    ]
    last = int(book.kept[-1].report.sentences[0].text.removeprefix("Process ").rstrip("."))
    one.close()
    _until(lambda: not Path(f"/proc/{last}").exists())


def _until(holds, *, within_s=300.0):
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
