"""The evidence beside a sentence and above a draft: each element is there, in words; nothing measured is said so."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.cli import main
from dashboard.components.draft_evidence import draft_html
from dashboard.components.evidence import View, why_html
from dashboard.components.evidence_bars import bars_html
from dashboard.components.evidence_signs import signs_html
from dashboard.components.evidence_views import looked_html, numbers_html, redrafts_html
from dashboard.evidence_words import INPUT_HEADING
from grounding.attribution import Attribution, EvidenceInput
from grounding.confidence import SIMULATED_ONLY, SITE_ONLY
from grounding.report import GroundedReport, GroundedSentence
from grounding.triggers import Action, FactName

SHELL = Path(__file__).resolve().parents[2] / "dashboard" / "shell.py"
NODULE = GroundedSentence("Nodule in the left upper zone.")
MARKUP = ("<script", "<img", "<i>right")  # of the hand-written note and redraft: never to reach a page as markup


@pytest.fixture
def evidence(hand_written_evidence):
    return hand_written_evidence("case-drafted")


def words(html: str) -> str:
    """What a reader sees of it."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def opened() -> AppTest:
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    at.selectbox(key="identity.reader").select("reader-a").run()
    at.button(key="open_case-drafted").click().run()
    assert not at.exception
    return at


def page(at: AppTest) -> str:
    bodies = [element.proto.body for element in at.get("html")]
    return "\n".join(body for body in bodies if "<style>" not in body)


def press(at: AppTest, index: int, view: View) -> AppTest:
    key = f"reading.{at.session_state['reading.open'].review_id}.evidence.{index}"
    at.pills(key=key).set_value(view).run()
    assert not at.exception
    return at


def test_a_bar_for_each_input_with_its_word_and_its_number_on_demand(evidence):
    html = bars_html(evidence.sentences[0].attribution, sentence=0)
    assert words(html) == "Image against Prior image not given Prior report not given Notes most Values not given"
    # 8 of 10 nats, and 2 of 10 the other way; the number is not in the text
    assert 'aria-label="Notes: most, 80 % of what moved it, +8.00 nats"' in html
    assert 'title="Image: against, \N{MINUS SIGN}20 % of what moved it, \N{MINUS SIGN}2.00 nats"' in html
    assert re.findall(r'or-track([^"]*)"><i style="width:(\d+)%', html) == [(" or-against", "20"), ("", "80")]


def test_an_input_that_was_not_given_has_no_bar_and_one_of_no_weight_has_an_empty_one():
    image, values = EvidenceInput.CURRENT_IMAGE, EvidenceInput.STRUCTURED_VALUES
    html = bars_html(Attribution((image, values), (4.0, 0.0), (4.0, 0.0), -1.0, -5.0, 4), sentence=0)
    assert words(html) == "Image almost all Prior image not given Prior report not given Notes not given Values none"
    assert html.count("<i style") == 2


def test_every_input_has_a_heading():
    assert set(INPUT_HEADING) == set(EvidenceInput)


def test_the_conflict_stands_with_both_statements(evidence):
    said = words(signs_html(evidence.sentences[0], ()))
    assert "Conflict on the side Image alone: “Nodule &lt;i&gt;right&lt;/i&gt;.” Note (n2): “&lt;script&gt;" in said


def test_a_trigger_stands_with_its_action_its_reason_and_its_rule(evidence):
    html = signs_html(evidence.sentences[0], evidence.triggers_of(0))
    assert "Second reader asked: The image and the notes differ. side@2" in words(html)
    assert 'title="conflict 1, rule: at least 1"' in html


def test_what_blocks_comes_before_what_asks_and_what_informs_comes_last(evidence):
    (asks,) = evidence.triggers_of(0)
    every = [replace(asks, rule_id=action.value, action=action) for action in Action]
    said = words(signs_html(replace(evidence.sentences[2], sentence=0), every))
    assert re.findall(r"(\w+)@2", said) == ["block", "secondary_review", "inform"]


def test_a_broken_rule_and_copied_words_are_signs(evidence):
    said = words(signs_html(evidence.sentences[0], ()))
    assert "Breaks a rule: the boxes lie on the other side box-on-wrong-side@1" in said
    assert "Copied forward: 75 % of its words stand so in a prior note." in said


def test_a_sentence_without_trouble_has_no_sign(evidence):
    assert signs_html(evidence.sentences[2], ()) == ""


@pytest.mark.parametrize(
    ("calibrator", "words_after"),
    [("yes_no-abc", SIMULATED_ONLY), ("site-yes_no-abc", SITE_ONLY)],  # fitted here, or by the site itself
)
def test_the_confidence_word_never_stands_without_what_it_was_calibrated_on(evidence, calibrator, words_after):
    (third,) = evidence.sentences[2:]
    sure = replace(third.confidence, calibrator_id=calibrator)
    html = why_html(NODULE, replace(third, confidence=sure))
    assert words(html).endswith(f"Likely {words_after}")
    assert "0.80 calibrated; raw score 2.000 (yes no)" in html
    assert "0.80" not in words(html)
    assert words_after in numbers_html(replace(third, confidence=sure), ())


def test_a_score_that_is_not_calibrated_gets_no_word(evidence):
    raw = replace(evidence.sentences[2].confidence, calibrated=None, calibrator_id=None, needs=None)
    said = words(why_html(NODULE, replace(evidence.sentences[2], confidence=raw)))
    assert "not calibrated" in said
    assert "ikely" not in said


def test_nothing_measured_is_said_and_is_never_nought(evidence):
    nothing = evidence.sentences[1]
    shown = (
        why_html(NODULE, nothing),
        bars_html(None, sentence=1),
        looked_html(nothing),
        redrafts_html(nothing),
        numbers_html(nothing, ()),
    )
    for html in shown:
        assert "not measured" in html
        assert not re.search(r"\d", words(html))


def test_the_draft_without_an_input_appears_disappears_or_flips(evidence):
    said = words(redrafts_html(evidence.sentences[0]))
    assert "Without notes and values: Changes side: “Nodule &lt;i&gt;right&lt;/i&gt;.”" in said
    assert "Without the images: Disappears" in said
    assert "Without notes and values: Stands unchanged." in words(redrafts_html(evidence.sentences[2]))


def test_all_numbers_stand_in_one_table(evidence):
    said = words(numbers_html(evidence.sentences[0], evidence.triggers_of(0)))
    assert "Image \N{MINUS SIGN}2.00 nats \N{MINUS SIGN}20 % \N{MINUS SIGN}1.00 nats" in said
    assert "Notes +8.00 nats 80 % +9.00 nats" in said
    assert "\N{MINUS SIGN}4.00 with all inputs, \N{MINUS SIGN}10.00 with none, over 4 sets" in said
    assert "0.40 calibrated; raw score \N{MINUS SIGN}1.500 (yes no)" in said
    assert "Rule side@2 conflict 1, rule: at least 1" in said


@pytest.mark.parametrize(
    "told",
    [
        "Text that addresses the model in note n2",
        "“&lt;script&gt;” orders a result",
        "Second reader must sign: A text gives orders. orders@1",
        "A second reader is asked for: by sentence 1;",
        "Missing or not read: prior image: not sent",
        "Notes contradict each other on the size: n2 “&lt;script&gt;” against n1 “CHEST”",
        "Copied note: 50 % of n2 stands word for word in n1.",
        "Only without notes and values: Appears: “Scar.”",
        "Unlike the training images: no written rule flags it.",
    ],
)
def test_what_concerns_the_whole_draft(evidence, told):
    report = GroundedReport((NODULE,), limitations=("prior image: not sent",))
    html = draft_html(evidence, report, texts={"n2": "<script>window"})
    assert told in words(html)
    assert "1.25" not in words(html)
    assert "score 1.25" in html


def test_a_missing_input_that_the_report_does_not_name_is_said_with_what_it_forbids(evidence):
    html = draft_html(evidence, GroundedReport((NODULE,)), texts={})
    assert "Prior image: missing: change cannot be seen against an earlier image." in words(html)


def test_a_draft_without_trouble_says_that_nothing_is_flagged(evidence):
    quiet = replace(
        evidence, contradictions=(), copied=(), injections=(), triggers=(), missing=(), appearing_without_notes=()
    )
    said = words(draft_html(quiet, GroundedReport((NODULE,)), texts={}))
    assert "nothing in the inputs is flagged" in said
    assert "econd reader" not in said
    unmeasured = draft_html(replace(quiet, unlikeness=None), GroundedReport((NODULE,)), texts={})
    assert "Unlike the training images: not measured." in words(unmeasured)


def test_an_image_unlike_the_training_ones_is_no_case_of_nothing_flagged(evidence):
    unlike = replace(evidence.triggers[0], fact=FactName.UNLIKE_TRAINING, sentence=None)
    quiet = replace(
        evidence, contradictions=(), copied=(), injections=(), triggers=(unlike,), appearing_without_notes=()
    )
    said = words(draft_html(quiet, GroundedReport((NODULE,)), texts={}))
    assert "nothing in the inputs is flagged" not in said
    assert "The image is unlike the training images" in said


def test_a_draft_from_the_image_alone_is_not_said_to_be_unmeasured_without_notes(evidence):
    one = evidence.sentences[2]
    seen = replace(one.attribution, inputs=(EvidenceInput.CURRENT_IMAGE,), shapley=(3.0,), without=(3.0,), coalitions=2)
    said = words(redrafts_html(replace(one, without_notes=None, attribution=seen)))
    assert "Without notes and values: the model was given none" in said
    assert "Without notes and values: not measured" in words(redrafts_html(replace(one, without_notes=None)))


def test_hundreds_of_one_kind_are_counted_and_not_all_written_out(evidence):
    copied = tuple(replace(evidence.copied[0], note_id=f"n{number}") for number in range(300))
    orders = (evidence.injections[0],) * 300
    told = tuple(
        replace(evidence.triggers[0], action=Action.INFORM, sentence=None, reason="Mostly copied.") for _ in copied
    )
    html = draft_html(
        replace(evidence, copied=copied, injections=orders, triggers=told), GroundedReport((NODULE,)), texts={}
    )
    said = words(html)
    assert said.count("Mostly copied. (300 times)") == 1
    assert "300 notes copied forward" in said
    assert "; and 288 more" in said
    assert "Copied notes: 288 more." in said
    assert len(html) < 20_000


def test_an_instruction_in_the_picture_has_no_words_to_quote(evidence):
    burnt = replace(evidence.injections[0], source="image", start=None, end=None, pattern="text in the image")
    said = words(draft_html(replace(evidence, injections=(burnt,)), GroundedReport((NODULE,)), texts={}))
    assert "in the image itself, burned into its pixels: text in the image" in said


def test_the_page_shows_the_evidence_and_no_markup_of_the_note(measured_pilot):
    at = opened()
    html = page(at)
    said = words(html)
    assert "Rests mostly on the clinical notes; the current image speaks against it" in said
    assert "Conflict on the side" in said
    assert "Second reader must sign: A text gives orders. orders@1" in said
    assert "What drove it was not measured" in said
    for markup in MARKUP:
        assert markup not in html


def test_one_press_lays_the_heatmap_over_the_image_and_another_takes_its_place(measured_pilot, monkeypatch):
    from dashboard import resources

    drawn = []
    heated = resources.heated_picture
    monkeypatch.setattr(
        resources,
        "heated_picture",
        lambda sha256, heatmap, **how: drawn.append(heatmap) or heated(sha256, heatmap, **how),
    )
    at = opened()
    assert drawn == []
    press(at, 0, View.LOOKED)
    assert [heatmap.values for heatmap in drawn] == [(0.25, None)]
    assert "Heatmap of sentence 1" in page(at)
    assert at.session_state["reading.selected"] == 0
    # the second sentence has none: words, and the first one's map is off
    press(at, 1, View.LOOKED)
    assert len(drawn) == 1
    assert "Where it looked: not measured" in page(at)
    press(at, 0, View.REDRAFTS)
    assert "Without notes and values: Changes side" in words(page(at))


def test_a_later_measuring_takes_the_place_of_the_one_before(measured_pilot, evidence):
    from dashboard import resources

    before = resources.evidence("d-case-drafted")
    assert before == evidence
    resources.store().record_evidence(replace(evidence, evidence_id="e-later", unlikeness=None), agent="tests")
    assert resources.evidence("d-case-drafted").unlikeness is None
    assert resources.evidence("d-failed") is None


def test_a_draft_without_evidence_says_not_measured_at_its_head_and_on_each_card(pilot):
    said = words(page(opened()))
    assert "Evidence not measured: the store holds none for this draft" in said
    assert said.count("Evidence of this sentence: not measured.") == 3
    assert "Draft: prior image: not sent" in said


def test_show_prints_the_evidence_in_json_and_in_words(measured_pilot, capsys):
    where = ["--store", str(measured_pilot)]
    assert main(["show", "case-drafted", "--json", *where]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["evidence"]["evidence_id"], len(shown["evidence"]["sentences"])) == ("e-case-drafted", 3)
    assert main(["show", "case-drafted", *where]) == 0
    said = capsys.readouterr().out
    assert "0  Rests mostly on the clinical notes; the current image speaks against it" in said
    assert (
        "2  Rests almost wholly on the current image; unchanged without notes and values.\n"
        f"     Likely. ({SIMULATED_ONLY})" in said
    )
    assert (
        "second reader asked, sentence 0: The image and the notes differ. [side@2: conflict 1, rule: at least 1]"
        in said
    )
    assert "text that addresses the model in note n2: orders a result" in said


def test_show_says_not_measured_where_the_store_holds_no_evidence(pilot, capsys):
    where = ["--store", str(pilot)]
    assert main(["show", "case-drafted", "--json", *where]) == 0
    assert json.loads(capsys.readouterr().out)["evidence"] is None
    assert main(["show", "case-drafted", *where]) == 0
    assert "evidence not measured" in capsys.readouterr().out
