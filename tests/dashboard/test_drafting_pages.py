"""Drafting from the pages: the real queue and ledger, and a drafter written by hand that a test holds and lets go."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cases.audit import Action
from cases.draft import Draft, DraftStatus, Failure, FailureKind
from cases.review import Arm
from dashboard import resources
from dashboard.components.sign_off import SIGN
from vlm.drafting_queue import WORKER

SHELL = Path(__file__).resolve().parents[2] / "dashboard" / "shell.py"
WAIT_S = 20


class ByHand:
    """A drafter that drafts when it is let go: what `make` gives, or a crash when it is interrupted."""

    def __init__(self, make):
        self.make, self.go_on, self.killed = make, threading.Event(), threading.Event()

    def start(self):
        """Nothing to load."""

    load = start

    def close(self):
        self.killed.clear()

    def interrupt(self):
        self.killed.set()
        self.go_on.set()

    def draft(self, case, *, pixels):
        assert pixels.current.shape == (case.image.rows, case.image.columns)
        assert self.go_on.wait(WAIT_S)
        return self.make(case, killed=self.killed.is_set())

    def explain(self, draft, *, case, pixels):
        return None


@pytest.fixture
def drafter(pilot, monkeypatch, hand_written_draft):
    """The server's one drafter."""

    def make(case, *, killed):
        written = hand_written_draft(case.case_id, notes={note.note_id: note.text for note in case.notes})
        changes = {"draft_id": f"d-new-{case.case_id}", "created": resources.utc_now()}
        if not killed:
            return Draft(**(_fields(written) | changes))
        failure = Failure(FailureKind.CRASH, "killed")
        failed = {"status": DraftStatus.FAILED, "report": None, "failure": failure}
        return Draft(**(_fields(written) | changes | failed))

    by_hand = ByHand(make)
    monkeypatch.setattr("dashboard.drafting.SupervisedDrafter", lambda *_, **__: by_hand)
    yield by_hand
    by_hand.go_on.set()


def _fields(draft):
    return {name: getattr(draft, name) for name in Draft.__slots__}


def start(reader="reader-a"):
    at = AppTest.from_file(str(SHELL), default_timeout=60).run()
    if reader is not None:
        at.selectbox(key="identity.reader").select(reader).run()
    assert not at.exception
    return at


def press(at, key):
    at.button(key=key).click().run()
    assert not at.exception
    return at


def labels(at):
    return {button.key: button.label for button in at.button if button.key.startswith(("draft_", "cancel_"))}


def html(at):
    bodies = [element.proto.body for element in at.get("html")]
    return "\n".join(body for body in bodies if "<style>" not in body)


def actions():
    return [event.action for event in resources.store().events()]


def settled(case_id):
    deadline = time.monotonic() + WAIT_S
    while resources.drafting().jobs[case_id].live:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_draft_is_offered_where_there_is_none_or_a_failed_one_to_those_who_review(drafter):
    assert labels(start()) == {"draft_case-failed": "Draft again", "draft_case-waiting": "Draft"}
    assert labels(start("lead")) == {}
    assert labels(start(None)) == {}


def test_the_page_never_waits_shows_places_and_the_draft_when_it_is_there(drafter):
    at = press(start(), "draft_case-waiting")  # comes back while the model is held
    press(at, "draft_case-failed")
    said = html(at)
    assert "Being drafted, " in said
    assert "Waits for the model, next in line" in said
    assert "1 being drafted, 1 in line" in said
    assert labels(at) == {"cancel_case-failed": "Cancel drafting", "cancel_case-waiting": "Cancel drafting"}
    drafter.go_on.set()
    for case_id in ("case-waiting", "case-failed"):
        settled(case_id)
    said = html(at.run())
    assert said.count("3 sentences, 2 boxes") == 3
    assert "in line" not in said
    assert labels(at) == {}
    events = resources.store().events()
    asked = [(event.agent, event.role) for event in events if event.action is Action.DRAFT_REQUESTED]
    assert asked == [("reader-a", "reader")] * 2
    assert [event.agent for event in events if event.action is Action.DRAFT_RECORDED][-2:] == [WORKER] * 2
    assert resources.store().verify().ok


def test_a_cancelled_case_keeps_what_it_had_and_is_offered_again(drafter):
    at = press(press(start(), "draft_case-failed"), "cancel_case-failed")
    said = html(at)
    assert "Draft failed (parse)" in said
    assert "Drafting was cancelled by reader-a" in said
    assert labels(at)["draft_case-failed"] == "Draft again"
    assert len(resources.store().drafts("case-failed")) == 1
    assert Action.DRAFT_CANCELLED in actions()


def test_a_press_on_a_page_older_than_the_draft_drafts_nothing(drafter):
    old, other = start(), start("reader-b")
    drafter.go_on.set()
    press(other, "draft_case-waiting")
    settled("case-waiting")
    press(old, "draft_case-waiting")
    assert actions().count(Action.DRAFT_REQUESTED) == 1
    assert len(resources.store().drafts("case-waiting")) == 1


def test_a_refusal_is_said_on_the_page(drafter):
    at = start()
    resources.drafting().queue.close()
    assert "the server is stopping" in html(press(at, "draft_case-waiting"))


def test_review_only_says_so_and_offers_no_drafts(pilot, monkeypatch):
    monkeypatch.setenv("OVERREAD_DRAFTING", "off")
    at = start()
    assert "Review only: this server is set not to draft" in html(at)
    assert labels(at) == {}
    press(at, "open_case-drafted")
    assert "AI draft" in html(at)


def test_a_machine_without_a_model_serves_review_only(pilot, monkeypatch):
    monkeypatch.setattr("dashboard.drafting.find_spec", lambda name: None if name == "torch" else object())
    assert "Review only: no model runs on this machine, since it has no torch" in html(start())


def test_a_model_that_is_not_listed_is_named_and_the_pages_serve_review_only(pilot, monkeypatch):
    monkeypatch.setenv("OVERREAD_MODEL", "brought")
    said = html(start())
    assert "Review only: no model is named &#x27;brought&#x27;" in said


def room_while_drafting(at, case_id):
    """The reading room of a case that is being drafted."""
    press(at, f"draft_{case_id}")
    return press(at, f"open_{case_id}")


def add(at, text):
    at.text_area(key="reading.add.text").set_value(text)
    next(button for button in at.button if button.label == "Add sentence").click().run()
    assert not at.exception


def sign(at):
    at.radio(key="reading.sign.choice").set_value(SIGN)
    next(button for button in at.button if button.label == "Submit").click().run()
    assert not at.exception
    return html(at)


def test_a_draft_that_comes_in_replaces_nothing_until_the_reader_turns_to_it(drafter):
    at = room_while_drafting(start(), "case-waiting")
    assert "Being drafted, " in html(at)
    assert "No AI text" in html(at)
    add(at, "Left apical pneumothorax.")
    drafter.go_on.set()
    settled("case-waiting")
    said = html(at.run())
    assert "A draft came in at " in said
    assert "You still read without a draft." in said
    assert "AI draft" not in said
    press(at, "turn_to_newer")
    said = html(at)
    assert "AI draft" in said
    assert "Left apical pneumothorax." in said  # came along
    assert "draft came in" not in said
    own = resources.store().pending_decisions("case-waiting", "reader-a", draft_id="d-new-case-waiting")
    assert [one.index for one in own] == [3]
    assert resources.store().pending_decisions("case-waiting", "reader-a", draft_id=None) == ()


def test_what_was_begun_without_a_draft_can_be_signed_without_it(drafter):
    at = room_while_drafting(start(), "case-waiting")
    add(at, "No acute finding.")
    drafter.go_on.set()
    settled("case-waiting")
    at = press(start(), "open_case-waiting")  # closed and opened again: the work stands where it stood
    assert "You still read without a draft." in html(at)
    assert "read back from the ledger" in sign(at)
    (review,) = resources.store().reviews("case-waiting")
    assert (review.arm, review.draft_id) == (Arm.NO_AI, None)
    assert "The signed report is not changed by it." in html(at)


def test_a_failed_draft_that_was_drafted_again_is_turned_from_before_it_is_signed(drafter):
    at = room_while_drafting(start(), "case-failed")
    add(at, "No acute finding.")
    drafter.go_on.set()
    settled("case-failed")
    said = html(at.run())
    assert "A newer draft came in at " in said
    assert "To sign, turn to it first." in said
    assert "a draft came in after the case was opened without one" in sign(at)
    assert resources.store().reviews() == ()


def test_the_page_that_refreshes_itself_counts_no_reading_time(drafter, monkeypatch):
    at = room_while_drafting(start(), "case-waiting")
    before = at.session_state["reading.activity"]
    at.session_state["reading.quiet"] = True  # as the notice leaves it when it draws the page anew
    at.run()
    assert at.session_state["reading.activity"] == before
    at.run()
    assert at.session_state["reading.activity"] != before
