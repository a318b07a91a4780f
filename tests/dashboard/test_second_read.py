"""The second read on the page, on the worklist and on the command line: one rule, whichever way a reader comes."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cases.evidence import DraftEvidence, SentenceEvidence
from cases.review import Arm, Decision, Reason, Review, SentenceReview
from cases.second_read import Verdict
from cases.store import Store
from cases.study import CaseStatus
from dashboard import resources
from dashboard.cli import main
from dashboard.commands.common import Exit
from dashboard.words import status_words
from grounding.triggers import Action, Comparison, FactName, Trigger

SHELL = Path(__file__).resolve().parents[2] / "dashboard" / "shell.py"
CASE = "case-drafted"
WHY = "Image and notes name different sides <b>here</b>."
BLOCK = Trigger(
    "conflict-side", 1, Action.BLOCK, WHY, FactName.CONFLICT, 1.0, Comparison.AT_LEAST, 1.0, 0, "laterality"
)


@pytest.fixture
def measured(pilot):
    """The small pilot, whose draft has a blocking trigger."""
    with Store.open(pilot, now=lambda: resources.utc_now()) as store:
        draft = store.latest_draft(CASE)
        sentences = tuple(SentenceEvidence(index) for index in range(len(draft.report.sentences)))
        evidence = DraftEvidence("e1", draft.draft_id, CASE, draft.created, sentences, "0" * 64, triggers=(BLOCK,))
        store.record_evidence(evidence, agent="tests")
    return pilot


@pytest.fixture
def blocked(measured):
    """And reader-a has signed a review of it."""
    with Store.open(measured, now=lambda: resources.utc_now()) as store:
        draft = store.latest_draft(CASE)
        kept = tuple(SentenceReview(n, Decision.KEPT, one, one) for n, one in enumerate(draft.report.sentences))
        opened = draft.created + timedelta(minutes=1)
        signed = opened + timedelta(minutes=2)
        review = Review("r1", CASE, draft.draft_id, "reader-a", Arm.AI_FIRST, opened, signed, 60.0, kept)
        store.sign(review, agent_role="reader")
    return measured


def opened(reader: str) -> AppTest:
    at = AppTest.from_file(str(SHELL), default_timeout=60).run()
    at.selectbox(key="identity.reader").select(reader).run()
    assert not at.exception
    return at


def reading_room(reader: str) -> AppTest:
    at = opened(reader)
    at.button(key=f"open_{CASE}").click().run()
    assert not at.exception
    return at


def html(at: AppTest) -> str:
    bodies = [element.proto.body for element in at.get("html")]
    return "\n".join(body for body in bodies if "<style>" not in body)


def buttons(at: AppTest, label: str) -> list:
    return [button for button in at.button if button.label == label]


def second(at: AppTest, verdict: Verdict | None, *, reason: Reason | None = None) -> AppTest:
    if verdict is not None:
        at.radio(key="reading.second.verdict").set_value(verdict)
    if reason is not None:
        at.selectbox(key="reading.second.reason").select(reason)
    buttons(at, "Sign the second read")[0].click().run()
    assert not at.exception
    return at


def test_another_reader_agrees_and_the_report_is_final(blocked):
    at = opened("reader-b")
    assert "Waits for a second reader" in html(at)
    at.button(key=f"open_{CASE}").click().run()
    said = html(at)
    assert "<b>Second read needed</b>" in said
    assert "name different sides &lt;b&gt;here&lt;/b&gt;" in said  # a site's words are shown, not run
    assert "say whether you agree" in html(second(at, None))  # nothing is signed by silence
    assert resources.store().status(CASE) is CaseStatus.PRELIMINARY
    second(at, Verdict.AGREE)
    assert resources.store().status(CASE) is CaseStatus.FINAL
    assert "reader-b agrees" in html(at)
    assert not buttons(at, "Sign the second read")


def test_a_disagreement_needs_a_reason_and_sends_the_report_back(blocked):
    at = second(reading_room("reader-b"), Verdict.DISAGREE)
    assert "says why" in html(at)
    assert resources.store().second_reads() == ()
    second(at, Verdict.DISAGREE, reason=Reason.WRONG_LATERALITY)
    assert "reader-b disagrees (wrong side)" in html(at)
    assert "amend it, and it is read again" in html(at)
    assert resources.store().status(CASE) is CaseStatus.PRELIMINARY
    assert "Second reader disagrees, to amend" in html(opened("reader-a"))


@pytest.mark.parametrize("reader", ["reader-a", "lead"])
def test_who_signed_and_who_signs_nothing_see_what_it_waits_for_and_no_form(blocked, reader):
    at = reading_room(reader)
    assert "<b>Second read needed</b>" in html(at)
    assert not buttons(at, "Sign the second read")


def answer(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_the_command_line_holds_to_the_same_rule(measured, tmp_path, capsys):
    where = ("--store", measured)
    decisions = tmp_path / "decisions.json"
    decisions.write_text(json.dumps([{"index": index, "decision": "keep"} for index in range(3)]))
    read = ("second-read", CASE, *where, "--reader")
    code, _, err = answer(capsys, *read, "r2", "--verdict", "agree")
    assert (code, "no signed report" in err) == (Exit.ANSWER_IS_NO, True)
    code, out, _ = answer(capsys, "sign", CASE, "--reader", "r1", "--decisions", decisions, *where, "--json")
    signed = json.loads(out)
    assert (code, signed["status"]) == (Exit.OK, "preliminary")
    assert [(one["rule_id"], one["action"]) for one in signed["waits_for_second_read"]] == [("conflict-side", "block")]
    code, _, err = answer(capsys, *read, "r1", "--verdict", "agree")
    assert (code, "another reader" in err) == (Exit.ANSWER_IS_NO, True)
    code, _, err = answer(capsys, *read, "r2", "--verdict", "disagree", "--reason", "mood")
    assert (code, "wrong_laterality" in err) == (Exit.WRONG_USE, True)
    code, _, err = answer(capsys, *read, "r2", "--verdict", "disagree")
    assert (code, "says why" in err) == (Exit.WRONG_USE, True)
    agreeing = (*read, "r2", "--verdict", "agree", "--second-read-id", "s1", "--json")
    code, out, _ = answer(capsys, *agreeing)
    told = json.loads(out)
    assert code == Exit.OK
    assert set(told) == {
        *("case_id", "review_id", "second_read_id", "reader_id", "verdict", "reason", "status", "sequence", "recorded"),
    }
    assert (told["verdict"], told["reason"], told["status"]) == ("agree", None, "final")
    assert json.loads(answer(capsys, *agreeing)[1])["sequence"] == told["sequence"]  # the same key, one second read
    shown = json.loads(answer(capsys, "show", CASE, *where, "--json")[1])
    assert [one["second_read_id"] for one in shown["second_reads"]] == ["s1"]
    assert "by r2: agrees" in answer(capsys, "show", CASE, *where)[1]


def test_a_signature_that_nothing_blocks_says_that_it_is_final(pilot, tmp_path, capsys):
    decisions = tmp_path / "decisions.json"
    decisions.write_text(json.dumps([{"index": index, "decision": "keep"} for index in range(3)]))
    arguments = ("sign", CASE, "--reader", "r1", "--decisions", decisions, "--store", pilot, "--json")
    signed = json.loads(answer(capsys, *arguments)[1])
    assert (signed["status"], signed["waits_for_second_read"]) == ("final", [])


def test_words_for_where_a_case_stands():
    assert status_words(CaseStatus.PRELIMINARY, waits=False, verdict=None) == "To read"
    assert status_words(CaseStatus.FINAL, waits=False, verdict="disagree") == "Signed"
    assert status_words(CaseStatus.PRELIMINARY, waits=True, verdict="disagree") == "Second reader disagrees, to amend"
