"""Hard sentences: what the words say, written down by hand before the engine was asked."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grounding.context import read, read_note
from grounding.findings import Finding
from grounding.lexicon import book
from grounding.report import Laterality, Polarity, Progression
from grounding.sentences import NoteSection
from grounding.words import word_set

P, A, U = "present", "absent", "uncertain"

# (sentence, {finding: polarity}); one row, one trap
POLARITIES = [
    ("No focal nodule or mass.", {"nodule": A, "mass": A}),  # a list under one "no"
    ("No pneumothorax, effusion, or consolidation.", {"pneumothorax": A, "effusion": A, "consolidation": A}),
    ("No pneumothorax, effusion, consolidation.", {"pneumothorax": A, "effusion": A, "consolidation": A}),  # no "or"
    ("Possible effusion and no nodule suspicious for cancer.", {"effusion": U, "nodule": A, "malignancy": A}),
    ("No nodule, new mass, or effusion.", {"nodule": A, "mass": A, "effusion": A}),  # "or" keeps the list together
    ("Possible atelectasis, pneumonia, or mass.", {"atelectasis": U, "pneumonia": U, "mass": U}),
    ("Possible atelectasis, right effusion.", {"atelectasis": U, "effusion": P}),  # without it a comma ends a doubt
    ("No pneumothorax or pleural effusion is identified.", {"pneumothorax": A, "effusion": A}),  # "is" after a list
    ("No pneumothorax, small right effusion.", {"pneumothorax": A, "effusion": P}),  # a comma that ends the "no"
    ("There is no effusion and the nodule is stable.", {"effusion": A, "nodule": P}),  # "and the" opens a statement
    ("No effusion but a nodule at the left base.", {"effusion": A, "nodule": P}),  # terminator
    ("No abnormality other than a 5 mm nodule in the right apex.", {"no_finding": P, "nodule": P}),  # exception
    ("Cannot exclude early pneumonia.", {"pneumonia": U}),  # "cannot exclude" denies nothing
    ("Cannot rule out a small pneumothorax.", {"pneumothorax": U}),
    ("A small pneumothorax is not excluded.", {"pneumothorax": U}),  # "not" and "excluded", together neither
    ("Effusion cannot be entirely excluded.", {"effusion": U}),
    ("Pneumonia is not ruled out.", {"pneumonia": U}),
    ("Pneumothorax has been excluded.", {"pneumothorax": A}),
    ("Pneumothorax excluded.", {"pneumothorax": A}),
    ("Rule out pneumonia.", {"pneumonia": U}),  # a question, not an answer
    ("?pneumonia.", {"pneumonia": U}),
    ("Pneumothorax unlikely.", {"pneumothorax": U}),  # unlikely is not absent
    ("Pneumothorax is less likely.", {"pneumothorax": U}),
    ("No effusion, pneumothorax unlikely.", {"effusion": A, "pneumothorax": U}),  # the nearer cue decides
    ("No effusion, cannot exclude a small pneumothorax.", {"effusion": A, "pneumothorax": U}),
    ("No change in the right upper lobe nodule.", {"nodule": P}),  # pseudo-negation
    ("No significant interval change in the left effusion.", {"effusion": P}),
    ("No increase in size of the left nodule.", {"nodule": P}),
    ("Left effusion without significant change.", {"effusion": P}),
    ("No new nodule.", {"nodule": A}),
    ("No new or enlarging nodule.", {"nodule": A}),
    ("Stable right effusion without new consolidation.", {"effusion": P, "consolidation": A}),
    ("Left nodule without calcification.", {"nodule": P, "calcification": A}),  # forward only
    ("The lungs are free of consolidation.", {"consolidation": A}),
    ("Lungs are clear of effusion.", {"effusion": A}),  # not "lungs are clear" and then an effusion
    ("Lungs are clear without nodule.", {"nodule": A}),
    ("Without evidence of metastatic disease.", {"malignancy": A}),
    ("Absence of effusion.", {"effusion": A}),
    ("Negative for pneumothorax.", {"pneumothorax": A}),
    ("Neither effusion nor pneumothorax.", {"effusion": A, "pneumothorax": A}),
    ("Nodule, effusion, and mass are not seen.", {"nodule": A, "effusion": A, "mass": A}),  # backward over a list
    ("Previously seen left basal consolidation has resolved.", {"consolidation": A}),
    ("Effusion is stable and nodule has resolved.", {"effusion": P, "nodule": A}),  # backward, one verb only
    ("The nodule which was described previously has resolved.", {"nodule": A}),  # over a relative clause
    ("The nodule described in the prior report is no longer seen.", {"nodule": A}),
    ("There is no longer a pneumothorax.", {"pneumothorax": A}),
    ("Left effusion has not resolved.", {"effusion": P}),
    ("Near complete resolution of the right effusion.", {"effusion": P}),  # nearly gone is there
    ("Resolution of the left pleural effusion.", {"effusion": A}),
    ("No nodule or mass suspicious for metastasis.", {"nodule": A, "mass": A, "malignancy": A}),  # doubt in a denial
    ("Nodule suspicious for malignancy.", {"nodule": P, "malignancy": U}),
    ("Suspicious nodule in the left apex.", {"nodule": P}),  # an adjective, not a doubt
    ("Findings suggest pneumonia in the right middle lobe.", {"pneumonia": U}),
    (
        "Opacity at the left base, which may represent atelectasis or pneumonia.",
        {"opacity": P, "atelectasis": U, "pneumonia": U},
    ),
    (
        "Opacity at the left base, atelectasis versus pneumonia.",
        {"opacity": P, "atelectasis": U, "pneumonia": U},
    ),
    ("Left base opacity, likely atelectasis, and right effusion.", {"opacity": P, "atelectasis": U, "effusion": P}),
    ("Nodule in the left mid zone is likely a granuloma.", {"nodule": P, "granuloma": U}),
    ("Left nodule and suspected effusion.", {"nodule": P, "effusion": U}),
    ("Effusion suspected.", {"effusion": U}),
    ("Patient denies smoking.", {"smoking": A}),
    ("No mass effect.", {}),  # no finding at all
    ("Evidence of emphysema, no effusion.", {"emphysema": P, "effusion": A}),
    ("Tube left in place, no pneumothorax.", {"pneumothorax": A}),
    ("No acute cardiopulmonary process.", {"no_finding": P}),
    ("Small nodule not seen previously.", {"nodule": P}),  # not seen *then*
    ("No prior nodule.", {"nodule": A}),
    ("No prior available for comparison.", {}),
    ("No definite nodule.", {"nodule": A}),
    ("Pneumonia cannot be excluded, no effusion.", {"pneumonia": U, "effusion": A}),
    ("No evidence of pneumothorax, and the right effusion is smaller.", {"pneumothorax": A, "effusion": P}),
    ("No effusion; nodule in the left lung.", {"effusion": A, "nodule": P}),
    ("Air-space disease at the right base.", {"consolidation": P}),  # a hyphen parts words
    ("NO PLEURAL\nEFFUSION.", {"effusion": A}),  # capitals and a wrapped line
    ("Pleural effusions and lung masses.", {"effusion": P, "mass": P}),  # plurals
]


@pytest.mark.parametrize(("text", "expected"), POLARITIES)
def test_polarity(text: str, expected: dict[str, str]):
    assert {mention.finding.value: mention.polarity.value for mention in read(text).mentions} == expected


CHANGES = [
    ("Nodule in the right mid zone, new since the prior report.", "new"),
    ("Nodule in the left lower zone, stable compared with the prior report.", "stable"),
    ("Nodule in the left upper zone; stable.", "stable"),  # change in a clause of its own
    ("No change in the left nodule.", "stable"),
    ("Mild cardiomegaly, unchanged.", "stable"),
    ("Interval increase in the right pleural effusion.", "worse"),
    ("The right effusion has increased since the prior report.", "worse"),
    ("Nodule in the right lower zone, larger than before.", "worse"),
    ("There is no evidence that the nodule has grown.", "stable"),  # a denied change
    ("The effusion has not improved.", "stable"),
    ("The right effusion is smaller.", "improved"),
    ("Partially resolved left consolidation.", "improved"),
    ("Near complete resolution of the right effusion.", "improved"),
    ("Left effusion has not resolved.", "stable"),
    ("The nodule described in the prior report is no longer seen.", "resolved"),
    ("Resolution of the left pleural effusion.", "resolved"),
    ("The nodule in the left mid zone described in the prior report is not seen.", "resolved"),
    ("Small nodule not seen previously.", "new"),
    ("Nodule in the right lower zone, not described in the prior report.", "new"),
    ("No prior available for comparison.", "not_comparable"),
    ("Comparison: none.", "not_comparable"),
    ("No new nodule.", "not_stated"),  # nothing is there that could be new
    ("The mass is not new.", "not_stated"),
    ("Increased opacity at the left base.", "not_stated"),  # density, not a change
    ("Mass in the left upper zone.", "not_stated"),
]


@pytest.mark.parametrize(("text", "expected"), CHANGES)
def test_progression(text: str, expected: str):
    assert read(text).progression == Progression(expected)


SIDES = [
    ("Nodule in the right mid zone.", "nodule", "right", ("mid zone",)),
    ("Mass in the left upper zone.", "mass", "left", ("upper zone",)),
    ("Nodule in the left lower zone.", "nodule", "left", ("lower zone",)),
    ("Pleural effusion on the right.", "effusion", "right", ()),
    ("On the right there is a nodule.", "nodule", "right", ()),
    ("Right effusion and left pneumothorax.", "effusion", "right", ()),
    ("Right effusion and left pneumothorax.", "pneumothorax", "left", ()),
    ("Effusion and nodule on the right.", "effusion", "right", ()),  # shared by both
    ("Effusion with a nodule on the right.", "effusion", "not_stated", ()),  # the nodule is on the right
    ("Consolidation in the right lower lobe with effusion.", "effusion", "not_stated", ()),  # not shared
    ("Right upper lobe and left lower lobe consolidation.", "consolidation", "bilateral", ("upper lobe", "lower lobe")),
    ("Bibasilar atelectasis.", "atelectasis", "bilateral", ("base",)),
    ("Bilateral pleural effusions, left greater than right.", "effusion", "bilateral", ()),
    ("Right pleural effusion, not left.", "effusion", "right", ()),
    ("Tube left in place, nodule.", "nodule", "not_stated", ()),  # "left" is no side here
    ("No nodule in the right lung, but a mass on the left.", "nodule", "right", ()),
    ("No nodule in the right lung, but a mass on the left.", "mass", "left", ()),
    ("Mid and lower zone opacities bilaterally.", "opacity", "bilateral", ("mid zone, lower zone",)),
    ("Right-sided pneumothorax.", "pneumothorax", "right", ()),
    ("Blunting of the left costophrenic angle.", "effusion", "left", ("costophrenic angle",)),
    ("RUL nodule.", "nodule", "right", ("upper lobe",)),
    ("Left apical pneumothorax.", "pneumothorax", "left", ("apex",)),
    ("Left perihilar mass.", "mass", "left", ("hilum",)),
    ("Mass in the upper right lung.", "mass", "right", ("upper zone",)),  # the side between the words of the place
    ("Nodule, lower left lung.", "nodule", "left", ("lower zone",)),
    ("Retrocardiac opacity.", "opacity", "not_stated", ("retrocardiac",)),
    ("Right mid zone: 12 mm nodule.", "nodule", "right", ("mid zone",)),
]


@pytest.mark.parametrize(("text", "finding", "side", "places"), SIDES)
def test_side_and_place_belong_to_their_finding(text: str, finding: str, side: str, places: tuple[str, ...]):
    mention = next(mention for mention in read(text).mentions if mention.finding == Finding(finding))
    assert (mention.laterality, mention.locations) == (Laterality(side), places)


@pytest.mark.parametrize(
    ("text", "historical", "family"),
    [
        ("History of lung cancer.", True, False),
        ("Status post left lobectomy.", True, False),
        ("Old rib fracture on the left.", True, False),
        ("Lung cancer in the past.", True, False),
        ("Prior granulomatous disease.", True, False),
        ("The nodule seen previously in the right upper lobe.", True, False),  # recalled, nothing said of now
        ("The previously seen nodule measures 8 mm.", False, False),
        ("Previously seen nodule, larger.", False, False),
        ("Nodule larger than the prior nodule.", False, False),
        ("Family history of lung cancer.", False, True),
        ("Mother had breast cancer.", False, True),
        ("Lung cancer.", False, False),
    ],
)
def test_history_and_family(text: str, historical: bool, family: bool):
    mention = read(text).mentions[0]
    assert (mention.historical, mention.family) == (historical, family)


def test_history_behind_with_ends():
    cancer, nodule = read("History of lung cancer with new nodule.").mentions
    assert cancer.historical
    assert not nodule.historical
    assert read("History of lung cancer with new nodule.").primary is not None
    assert read("History of lung cancer with new nodule.").primary.finding is Finding.NODULE


@pytest.mark.parametrize(
    ("text", "compares"),
    [
        ("No new nodule.", True),
        ("Nodule again seen.", True),
        ("Nodule, compared with the prior report.", True),
        ("No prior available for comparison.", False),
        ("Nodule in the left lung.", False),
        ("Heart size is normal.", False),
    ],
)
def test_which_sentences_compare(text: str, compares: bool):
    assert read(text).compares is compares


def test_headings_change_what_is_said():
    note = "INDICATION: pneumonia.\nHISTORY: lung cancer.\nFAMILY HISTORY: melanoma.\nFINDINGS: Right effusion."
    question, history, family, body = read_note(note)
    assert question.section is NoteSection.QUESTION
    assert question.reading.mentions[0].polarity is Polarity.UNCERTAIN
    assert history.reading.mentions[0].historical
    assert family.reading.mentions[0].family
    assert body.reading.mentions[0].polarity is Polarity.PRESENT


def test_the_primary_finding_is_one_that_can_have_a_box():
    primary = read("No effusion, lungs are clear except for a nodule.").primary
    assert primary is not None
    assert primary.finding is Finding.NODULE
    assert primary.groundable


def test_sizes_are_read_in_millimetres():
    assert read("Mass of 2.5 x 1.0 cm and nodule of 8 mm.").sizes_mm == (25.0, 10.0, 8.0)


def test_no_rule_is_shadowed_by_a_phrase_of_two_opposite_kinds():
    for phrase, meanings in book().phrases.items():
        changes = {meaning.value for meaning in meanings if meaning.kind == "change"}
        assert len(changes) <= 1, f"{phrase!r} means two changes: {changes}"


@pytest.mark.parametrize("unit", ["no nodule or ", "left , new right nodule is ", "x", "\n", "a:\n", "9 x ", "1. "])
def test_a_note_made_to_be_slow_is_read_in_seconds(unit: str):
    started = time.process_time()
    read_note((unit * 10_000)[:10_000])
    assert time.process_time() - started < 5


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_any_text_can_be_read(text: str):
    for sentence in read_note(text):
        assert 0 <= sentence.start < sentence.end <= len(text)
        for mention in sentence.reading.mentions:
            assert sentence.reading.text[mention.start : mention.end].strip()


WORDS = st.lists(
    st.sampled_from(
        sorted(word_set("no not nodule mass effusion right left new stable , ; or and is has resolved but prior"))
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=100, deadline=None)
@given(WORDS)
def test_case_and_spacing_change_nothing(words: list[str]):
    plain = read(" ".join(words))
    shouted = read("  ".join(words).upper())
    assert [m.polarity for m in plain.mentions] == [m.polarity for m in shouted.mentions]
    assert [m.laterality for m in plain.mentions] == [m.laterality for m in shouted.mentions]
    assert plain.progression is shouted.progression
