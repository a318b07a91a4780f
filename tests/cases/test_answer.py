"""What a reader's answer counts as: from what changed, not from the button."""

from __future__ import annotations

import pytest

from cases.answer import Answer, Choice, IncompleteAnswerError, added, edited_sentence, reviewed
from cases.review import Decision, Reason
from grounding.box import Box
from grounding.codecs.phrase import Phrase
from grounding.derive import derive_sentence
from grounding.report import Laterality, Polarity, Progression

BOX = Box(0.6, 0.2, 0.7, 0.3)
FAR = Box(0.1, 0.6, 0.2, 0.7)
NUDGED = Box(0.605, 0.2, 0.705, 0.3)  # IoU about 0.9
TEXT = "Nodule in the left upper zone."


@pytest.fixture
def before():
    return derive_sentence(Phrase(TEXT, (BOX,)), notes={})


@pytest.mark.parametrize(
    ("answer", "decision"),
    [
        (Answer(Choice.KEEP), Decision.KEPT),
        # keep ignores what stands in fields that are not shown
        (Answer(Choice.KEEP, text="Something else.", reason=Reason.STYLE_ONLY), Decision.KEPT),
        (Answer(Choice.DELETE, reason=Reason.FALSE_POSITIVE), Decision.DELETED),
        # only the style differs
        (Answer(Choice.REWORD, text="A nodule in the left upper zone.", boxes=(BOX,)), Decision.REWORDED),
        # "reword" pressed, but the nodule moved to the other lung
        (
            Answer(Choice.REWORD, text="Nodule in the right upper zone.", boxes=(BOX,), reason=Reason.WRONG_LATERALITY),
            Decision.CORRECTED,
        ),
        # "correct" pressed, but nothing more than words changed
        (
            Answer(Choice.CORRECT, text="A nodule in the left upper zone.", boxes=(BOX,), reason=Reason.STYLE_ONLY),
            Decision.REWORDED,
        ),
        # the box was moved elsewhere, the words stay
        (Answer(Choice.CORRECT, text=TEXT, boxes=(FAR,), reason=Reason.WRONG_LOCATION), Decision.CORRECTED),
        # the box was only nudged: IoU stays over 0.5
        (Answer(Choice.CORRECT, text=TEXT, boxes=(NUDGED,)), Decision.REWORDED),
        # a fact set by hand against the words
        (
            Answer(
                Choice.CORRECT, text=TEXT, boxes=(BOX,), progression=Progression.NEW, reason=Reason.WRONG_PROGRESSION
            ),
            Decision.CORRECTED,
        ),
    ],
)
def test_what_an_answer_counts_as(before, answer, decision):
    review = reviewed(4, before, answer=answer, notes={})
    assert (review.index, review.decision) == (4, decision)
    assert review.before == before


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(Choice.DELETE), "say why"),
        (Answer(Choice.REWORD, text=TEXT, boxes=(BOX,)), "nothing is changed"),
        # white space around the words is no change
        (Answer(Choice.REWORD, text=f"  {TEXT} ", boxes=(BOX,)), "nothing is changed"),
        (Answer(Choice.REWORD, text="   ", boxes=(BOX,)), "no words"),
        (Answer(Choice.REWORD, text="Nodule in the right upper zone.", boxes=(BOX,)), "laterality"),
        # "style" cannot be why the side changed
        (
            Answer(Choice.CORRECT, text="Nodule in the right upper zone.", boxes=(BOX,), reason=Reason.STYLE_ONLY),
            "say why",
        ),
    ],
)
def test_an_answer_that_cannot_be_stored_yet_says_what_is_missing(before, answer, words):
    with pytest.raises(IncompleteAnswerError, match=words):
        reviewed(0, before, answer=answer, notes={})


def test_what_is_absent_loses_its_box_instead_of_failing(before):
    by_words = edited_sentence(before, answer=Answer(Choice.CORRECT, text="No nodule.", boxes=(BOX,)), notes={})
    by_hand = edited_sentence(
        before, answer=Answer(Choice.CORRECT, text=TEXT, boxes=(BOX,), polarity=Polarity.ABSENT), notes={}
    )
    assert by_words.polarity is by_hand.polarity is Polarity.ABSENT
    assert by_words.boxes == by_hand.boxes == ()


def test_a_fact_set_by_hand_is_no_longer_called_derived(before):
    assert "laterality" in before.derived
    after = edited_sentence(
        before, answer=Answer(Choice.CORRECT, text=TEXT, boxes=(BOX,), laterality=Laterality.RIGHT), notes={}
    )
    assert after.laterality is Laterality.RIGHT
    assert "laterality" not in after.derived


def test_a_sentence_of_ones_own_is_read_by_the_same_rules_and_keeps_its_box():
    review = added(3, "Small right pleural effusion.", boxes=(FAR,), reason=Reason.MISSED_FINDING, notes={})
    assert review.decision is Decision.ADDED
    assert review.after is not None
    assert review.after.text == "Small right pleural effusion."
    assert (review.after.finding, review.after.laterality, review.after.boxes) == ("effusion", Laterality.RIGHT, (FAR,))
    with pytest.raises(IncompleteAnswerError, match="no words"):
        added(3, " \n", boxes=(), reason=Reason.MISSED_FINDING, notes={})
