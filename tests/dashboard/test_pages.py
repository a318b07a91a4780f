"""The pages as Streamlit runs them, on a small real store: what they say, what they store, what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cases.audit import Action
from cases.review import Arm, Decision, Reason
from dashboard import resources
from dashboard.components.sign_off import LEAVE, SIGN

SHELL = Path(__file__).resolve().parents[2] / "dashboard" / "shell.py"
PAGES = ("views/worklist.py", "views/reading_room.py", "views/pilot.py")


def start(*, reader: str | None = "reader-a") -> AppTest:
    at = AppTest.from_file(str(SHELL), default_timeout=60).run()
    if reader is not None:
        at.selectbox(key="identity.reader").select(reader).run()
    assert not at.exception
    return at


def opened(case_id: str = "case-drafted", *, reader: str = "reader-a") -> AppTest:
    at = start(reader=reader)
    at.button(key=f"open_{case_id}").click().run()
    assert not at.exception
    return at


def html(at: AppTest) -> str:
    bodies = [element.proto.body for element in at.get("html")]
    return "\n".join(body for body in bodies if "<style>" not in body)


def key(at: AppTest, name: str, index: int) -> str:
    return f"reading.{at.session_state['reading.open'].review_id}.{name}.{index}"


def choose(at: AppTest, index: int, choice: str) -> AppTest:
    at.segmented_control(key=key(at, "choice", index)).set_value(choice).run()
    assert not at.exception
    return at


def keep_all(at: AppTest, count: int = 3) -> AppTest:
    for index in range(count):
        choose(at, index, "keep")
    return at


def submit(at: AppTest, choice: str | None) -> AppTest:
    if choice is not None:
        at.radio(key="reading.sign.choice").set_value(choice)
    next(button for button in at.button if button.label == "Submit").click().run()
    assert not at.exception
    return at


def actions() -> list[Action]:
    return [event.action for event in resources.store().events()]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("reader", [None, "reader-a", "lead"])
def test_every_page_says_draft_research_use_only(pilot, page, reader):
    at = start(reader=reader)
    at.switch_page(page).run()
    assert not at.exception
    assert "Draft, research use only" in html(at)


def test_the_open_reading_room_says_it_too(pilot):
    assert "Draft, research use only" in html(opened())


def test_the_prior_image_can_be_put_beside_the_current_one_where_there_is_one(pilot):
    assert not [toggle for toggle in opened("case-drafted").toggle if toggle.key == "panel.prior"]
    at = opened("case-failed")
    assert "Current image" in [caption.value for caption in at.caption]
    at.toggle(key="panel.prior").set_value(True).run()
    assert not at.exception
    assert "Prior image, 2 years earlier, DX PA" in [caption.value for caption in at.caption]


def test_the_worklist_shows_every_case_with_words_for_what_became_of_the_draft(pilot):
    at = start()
    said = html(at)
    for words in (
        "case-drafted",
        "3 sentences, 2 boxes",
        "Draft failed (parse)",
        "Out of scope",
        "Waiting for a draft",
    ):
        assert words in said
    assert "prior notes: not sent" in said
    assert "waits " in said


def test_nobody_is_chosen_at_first_and_nothing_can_be_opened_then(pilot):
    at = start(reader=None)
    assert at.selectbox(key="identity.reader").value is None
    assert all(button.disabled for button in at.button if button.label == "Open")


def test_opening_a_case_is_one_event_however_often_the_page_runs(pilot):
    at = opened()
    at.run()
    at.button(key="select_0").click().run()
    assert actions().count(Action.CASE_VIEWED) == 1
    assert actions().count(Action.REVIEW_OPENED) == 1
    event = next(event for event in resources.store().events() if event.action is Action.CASE_VIEWED)
    assert (event.agent, event.entity) == ("reader-a", "case-drafted")


def test_a_hostile_note_is_shown_as_text(pilot):
    said = html(opened())
    assert "<script>window.pwned" not in said
    assert "&lt;script&gt;window.pwned" in said
    assert "onerror=&#x27;window.pwned=1&#x27;" in said


def test_the_cited_span_is_marked_and_lights_up_with_its_sentence(pilot):
    at = opened()
    assert '<mark class="or-mark">There is a nodule in the left upper zone measuring 14 mm.<sup>1</sup></mark>' in html(
        at
    )
    at.button(key="select_0").click().run()
    assert '<mark class="or-mark or-lit">' in html(at)
    assert html(at).count("or-lit-card") == 1


def test_facts_are_called_derived_and_ai_text_is_called_ai(pilot):
    said = html(opened())
    assert "derived: " in said
    assert '<span class="or-chip or-derived">left</span>' in said
    assert "AI draft" in said
    assert "or-from-human" not in said


def test_keep_is_stored_at_once_and_the_page_says_when_and_as_which_event(pilot):
    at = choose(opened(), 0, "keep")
    (decision,) = resources.store().pending_decisions("case-drafted", "reader-a")
    assert (decision.index, decision.decision) == (0, Decision.KEPT)
    last = resources.store().events()[-1]
    assert f"Kept · stored {last.recorded:%H:%M:%S} UTC, seq {last.sequence}" in html(at)


def test_delete_asks_for_a_reason_and_takes_back_what_was_stored_before(pilot):
    at = choose(choose(opened(), 1, "keep"), 1, "delete")
    assert "say why it is deleted" in html(at)
    # what is signed is what the screen shows: the earlier "keep" no longer counts
    assert resources.store().pending_decisions("case-drafted", "reader-a") == ()
    at.selectbox(key=key(at, "reason", 1)).select(Reason.FALSE_POSITIVE).run()
    (decision,) = resources.store().pending_decisions("case-drafted", "reader-a")
    assert (decision.decision, decision.reason) == (Decision.DELETED, Reason.FALSE_POSITIVE)


def test_a_rewording_that_changes_the_side_counts_as_corrected_whatever_was_pressed(pilot):
    at = choose(opened(), 1, "reword")
    at.text_area(key=key(at, "text", 1)).set_value("There is an opacity in the left lower zone.").run()
    assert "changes laterality, so it counts as a correction" in html(at)
    at.selectbox(key=key(at, "reason", 1)).select(Reason.WRONG_LATERALITY).run()
    (decision,) = resources.store().pending_decisions("case-drafted", "reader-a")
    assert decision.decision is Decision.CORRECTED
    assert "or-from-human" in html(at)


def test_what_was_decided_is_there_again_after_the_browser_was_closed(pilot):
    first = choose(opened(), 1, "reword")
    first.text_area(key=key(first, "text", 1)).set_value("An opacity is seen in the right lower zone.").run()
    again = opened()
    assert again.segmented_control(key=key(again, "choice", 1)).value == "reword"
    assert again.text_area(key=key(again, "text", 1)).value == "An opacity is seen in the right lower zone."


def test_sign_off_has_no_default_and_refuses_silence_and_undecided_sentences(pilot):
    at = choose(opened(), 0, "keep")
    assert at.radio(key="reading.sign.choice").value is None
    assert "choose what happens" in html(submit(at, None))
    assert "decide on sentence 2, 3 first" in html(submit(at, SIGN))
    assert resources.store().reviews() == ()


def test_signing_shows_signed_only_from_the_ledger_and_moves_the_figures(pilot):
    at = start()
    at.switch_page("views/pilot.py").run()
    assert "not measured<small>0/0</small>" in html(at)
    at = keep_all(opened())
    assert "or-signed" not in html(at)
    submit(at, SIGN)
    (review,) = resources.store().reviews("case-drafted")
    assert (review.reader_id, review.arm, review.overridden) == ("reader-a", Arm.AI_FIRST, False)
    assert [one.decision for one in review.sentences] == [Decision.KEPT] * 3
    assert "read back from the ledger" in html(at)
    assert "AI draft" not in html(at)
    assert resources.store().verify().ok
    at.switch_page("views/pilot.py").run()
    assert "0.0 %<small>0/1</small>" in html(at)


def test_a_sentence_of_ones_own_is_added_stored_and_counts_as_an_override(pilot):
    at = keep_all(opened())
    at.text_area(key="reading.add.text").set_value("Left apical pneumothorax.")
    next(button for button in at.button if button.label == "Add sentence").click().run()
    assert "Left apical pneumothorax." in html(at)
    submit(at, SIGN)
    (review,) = resources.store().reviews("case-drafted")
    assert (review.sentences[-1].decision, review.sentences[-1].index) == (Decision.ADDED, 3)
    assert review.overridden
    at.switch_page("views/pilot.py").run()
    assert "100.0 %<small>1/1</small>" in html(at)


def test_an_added_sentence_can_be_taken_back(pilot):
    at = keep_all(opened())
    at.text_area(key="reading.add.text").set_value("Left apical pneumothorax.")
    next(button for button in at.button if button.label == "Add sentence").click().run()
    at.button(key="back_3").click().run()
    submit(at, SIGN)
    assert not resources.store().reviews("case-drafted")[0].overridden


def test_a_failed_draft_has_words_and_a_way_on(pilot):
    at = opened("case-failed")
    said = html(at)
    assert "Draft failed (parse): the answer is not a report" in said
    assert "<obj> ???" in [element.value for element in at.text]
    assert "the report has no sentence" in html(submit(at, SIGN))
    at.text_area(key="reading.add.text").set_value("No acute finding.")
    next(button for button in at.button if button.label == "Add sentence").click().run()
    submit(at, SIGN)
    (review,) = resources.store().reviews("case-failed")
    assert (review.arm, review.draft_id) == (Arm.AI_FIRST, None)  # a failed draft stays in the denominator


@pytest.mark.parametrize(("case_id", "words"), [("case-leg", "a leg, not a chest"), ("case-waiting", "No draft yet")])
def test_a_case_without_ai_text_says_why(pilot, case_id, words):
    said = html(opened(case_id))
    assert "No AI text" in said
    assert words in said


def test_leaving_a_review_unsigned_is_recorded_and_closes_the_case(pilot):
    at = submit(opened(), LEAVE)
    assert actions().count(Action.REVIEW_ABANDONED) == 1
    assert any("No case is open" in info.value for info in at.info)


def test_an_amendment_replaces_the_signed_report_and_keeps_it(pilot):
    at = submit(keep_all(opened()), SIGN)
    next(button for button in at.button if button.label == "Amend this report").click().run()
    keep_all(at)
    submit(at, SIGN)
    first, second = resources.store().reviews("case-drafted")
    assert second.supersedes == first.review_id


def test_a_program_lead_decides_and_signs_nothing(pilot):
    at = opened(reader="lead")
    assert all(control.disabled for control in at.segmented_control if control.key != "panel.window")
    assert not [button for button in at.button if button.label in ("Submit", "Add sentence")]
    assert Action.REVIEW_OPENED not in actions()


def test_changing_the_reader_closes_the_open_case(pilot):
    at = opened()
    at.selectbox(key="identity.reader").select("reader-b").run()
    assert "reading.open" not in at.session_state


def test_a_store_held_elsewhere_is_said_in_words(pilot, monkeypatch):
    from cases.store import StoreBusyError

    def busy(*_args, **_named):
        raise StoreBusyError("another process (PID 7) holds the store: close it", pid=7, process="overread")

    monkeypatch.setattr(resources.Store, "open", busy)
    at = AppTest.from_file(str(SHELL), default_timeout=60).run()
    assert any("PID 7" in error.value for error in at.error)
    assert "Draft, research use only" in html(at)
