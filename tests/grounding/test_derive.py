"""From the model's own wordings to fields: every template, every zone, both sides, and the safety properties."""

from __future__ import annotations

import itertools

import pytest

from grounding.box import Box
from grounding.codecs.phrase import CodecError, Phrase
from grounding.derive import derive_sentence, side_of
from grounding.report import Laterality, Polarity, Progression, Section

NOTES = {"n1": "FINDINGS: 12 mm nodule in the left lower zone. History of lung cancer. Right pleural effusion."}
RIGHT_BOX = Box(0.1, 0.3, 0.2, 0.4)  # image left
PLACES = list(itertools.product(("nodule", "mass"), ("left", "right"), ("upper zone", "mid zone", "lower zone")))


@pytest.mark.parametrize(("finding", "side", "zone"), PLACES)
@pytest.mark.parametrize(
    ("tail", "change"),
    [
        (".", Progression.NOT_STATED),
        (", new since the prior report.", Progression.NEW),
        (", stable compared with the prior report.", Progression.STABLE),
        (", larger than in the prior report.", Progression.WORSE),
        (", smaller than in the prior report.", Progression.IMPROVED),
    ],
)
def test_a_lesion_at_every_place(finding: str, side: str, zone: str, tail: str, change: Progression):
    sentence = derive_sentence(Phrase(f"{finding.capitalize()} in the {side} {zone}{tail}", (RIGHT_BOX,)), notes={})
    assert sentence.finding == finding
    assert sentence.polarity is Polarity.PRESENT
    assert sentence.laterality is Laterality(side)
    assert sentence.location == zone
    assert sentence.progression is change
    assert sentence.groundable
    assert sentence.boxes == (RIGHT_BOX,)


OTHERS = [
    ("No focal nodule or mass.", "nodule", "absent", "not_stated", "not_stated", False, None),
    ("The nodule described in the prior report is no longer seen.", "nodule", "absent", "not_stated", "resolved", False,
     "12 mm nodule in the left lower zone."),
    ("The nodule in the left lower zone described in the prior report is not seen.", "nodule", "absent", "left",
     "resolved", False, "12 mm nodule in the left lower zone."),
    ("No prior report for comparison.", None, "present", "not_stated", "not_comparable", False, None),
    ("No current image was given.", None, "present", "not_stated", "not_stated", False, None),
    ("Former smoker.", "smoking", "present", "not_stated", "not_stated", False, None),
    ("Current smoker.", "smoking", "present", "not_stated", "not_stated", False, None),
    ("History of kidney cancer.", "malignancy", "present", "not_stated", "not_stated", False, None),
    ("No prior available for comparison.", None, "present", "not_stated", "not_comparable", False, None),
    ("Pleural effusion on the right.", "effusion", "present", "right", "not_stated", True, None),
    ("Effusion on the right, stable.", "effusion", "present", "right", "stable", True, "Right pleural effusion."),
    ("History of lung cancer.", "malignancy", "present", "not_stated", "not_stated", False, "History of lung cancer."),
    ("Nodule in the left lower zone, stable compared with the prior report.", "nodule", "present", "left", "stable",
     True, "12 mm nodule in the left lower zone."),
    ("Heart size is normal.", None, "present", "not_stated", "not_stated", False, None),
    ("Possible nodule in the left lower zone.", "nodule", "uncertain", "left", "not_stated", True, None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "finding", "polarity", "side", "change", "groundable", "quote"), OTHERS)
def test_the_other_sentences(
    text: str, finding: str | None, polarity: str, side: str, change: str, groundable: bool, quote: str | None
):
    sentence = derive_sentence(Phrase(text), notes=NOTES)
    assert (sentence.finding, sentence.polarity.value, sentence.laterality.value) == (finding, polarity, side)
    assert (sentence.progression.value, sentence.groundable) == (change, groundable)
    assert [citation.quote for citation in sentence.citations] == ([] if quote is None else [quote])
    assert all(citation.stands_in(NOTES["n1"]) for citation in sentence.citations)


def test_what_was_derived_is_named():
    sentence = derive_sentence(Phrase("Nodule in the left lower zone, stable."), notes=NOTES)
    names = ("finding", "polarity", "laterality", "location", "progression", "groundable", "citations")
    assert sentence.derived == names
    assert derive_sentence(Phrase("Heart size is normal."), notes=NOTES).derived == ()


def test_the_section_is_kept():
    assert derive_sentence(Phrase("Nodule."), notes={}, section=Section.IMPRESSION).section is Section.IMPRESSION


def test_the_side_comes_from_the_words_and_never_from_the_box():
    """The safety property: a box on the other side changes nothing, so that the check can see it."""
    words = "Nodule in the left lower zone."
    for box in (RIGHT_BOX, RIGHT_BOX.mirrored()):
        assert derive_sentence(Phrase(words, (box,)), notes={}).laterality is Laterality.LEFT
    assert derive_sentence(Phrase("Nodule.", (RIGHT_BOX,)), notes={}).laterality is Laterality.NOT_STATED


def test_boxes_on_an_absent_finding_are_a_contradiction():
    with pytest.raises(CodecError, match="absent nodule"):
        derive_sentence(Phrase("No focal nodule or mass.", (RIGHT_BOX,)), notes={})


@pytest.mark.parametrize(
    ("box", "side"),
    [
        (Box(0.1, 0.3, 0.2, 0.4), Laterality.RIGHT),  # image left is patient right
        (Box(0.8, 0.3, 0.9, 0.4), Laterality.LEFT),
        (Box(0.3, 0.5, 0.8, 0.9), Laterality.MIDLINE),  # a heart
        (Box(0.45, 0.5, 0.55, 0.9), Laterality.MIDLINE),
        (Box(0.0, 0.0, 1.0, 1.0), Laterality.MIDLINE),
        (Box(0.2, 0.5, 0.6, 0.9), Laterality.RIGHT),  # reaches over the midline by a quarter
        (Box(0.0, 0.0, 0.5, 1.0), Laterality.RIGHT),  # ends at it
    ],
)
def test_boxes_speak_image_and_sides_speak_patient(box: Box, side: Laterality):
    mirror = {Laterality.LEFT: Laterality.RIGHT, Laterality.RIGHT: Laterality.LEFT}
    assert side_of(box) is side
    assert side_of(box.mirrored()) is mirror.get(side, side)


@pytest.mark.parametrize(
    ("text", "section"),
    [
        ("History of cancer.", Section.HISTORY),
        ("Family history of lung cancer.", Section.HISTORY),
        ("Nodule in the left upper zone.", Section.FINDINGS),
        ("Mass with a history of smoking.", Section.FINDINGS),  # the mass is of today
    ],
)
def test_what_is_known_of_the_past_stands_under_history(text, section):
    sentence = derive_sentence(Phrase(text), notes={})
    assert sentence.section is section
    assert ("section" in sentence.derived) == (section is Section.HISTORY)
