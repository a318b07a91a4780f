"""Conflicts between the picture and the notes: each row is one situation as a radiologist would judge it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grounding.box import Box
from grounding.codecs.phrase import Phrase
from grounding.conflict import ConflictKind, conflicts
from grounding.derive import derive_sentence
from grounding.findings import Finding
from grounding.report import GroundedReport, GroundedSentence

NOTHING = "No focal nodule or mass."
SEES_FLUID = frozenset({Finding.EFFUSION})


def report(*texts: str) -> GroundedReport:
    return GroundedReport(tuple(derive_sentence(Phrase(text), notes={}) for text in texts))


def found(notes, alone, draft=None, *, states=frozenset()):
    """(kind, sentence, image, note) of each conflict; notes newest first; the draft says what the image alone does."""
    alone = (alone,) if isinstance(alone, str) else alone
    draft = alone if draft is None else (draft,) if isinstance(draft, str) else draft
    texts = {f"n{number}": text for number, text in enumerate((notes,) if isinstance(notes, str) else notes)}
    return [
        (one.kind.value, one.sentence, one.image_says, one.note_says)
        for one in conflicts(report(*draft), image_only=report(*alone), notes=texts, states=states)
    ]


def kinds(*arguments, **more):
    return [kind for kind, *_ in found(*arguments, **more)]


# (notes newest first, the draft of the image alone, kinds)
SITUATIONS = [
    # what the note has and the picture has not
    ("Nodule in the left upper zone.", NOTHING, ["polarity"]),
    ("12 mm nodule in the left upper zone, stable.", "The lungs are clear.", ["polarity"]),
    ("Mass in the right lower lobe.", "Nodule in the right upper zone.", ["polarity"]),  # top and bottom
    ("Nodule in the right mid zone.", "Nodule in the right lower zone.", []),  # zones that touch
    ("Nodule in the right upper lobe.", "Nodule in the right mid zone.", []),  # a lobe spans zones
    ("Nodule in the left upper zone.", "Mass in the left upper zone.", []),  # a mass was a nodule
    ("Nodule in the left upper zone.", "Nodule or mass suspected, place not determined.", []),  # may be it
    ("Left upper zone nodule.", (NOTHING, "Other lung opacity."), ["polarity"]),  # another thing
    ("Left upper zone nodule.", ("Nodule in the right lower zone.", "Other lung opacity."), ["polarity"]),
    ("Left upper zone nodule.", ("Nodule in the right lower zone.", "Left upper zone opacity."), []),  # may be it
    ("Left upper zone nodule.", "Other lung opacity.", []),  # may be it
    # what the picture has and the note has not: a change, the draft shows it
    ("No nodule.", "Nodule in the left upper zone.", []),
    ("The lungs are clear.", "Nodule in the left upper zone.", []),
    ("The left nodule has resolved.", "Nodule in the left upper zone.", []),
    ("Right upper zone nodule.", ("Nodule in the right upper zone.", "Mass in the left lower zone."), []),
    # sides
    ("Nodule in the right mid zone.", "Nodule in the left mid zone.", ["laterality"]),
    ("Nodule on the right.", "Nodule in the left mid zone.", ["laterality"]),
    ("Nodule in the right upper zone.", "Nodule in the left lower zone.", ["polarity"]),  # not mirrored
    ("Right nodule. Left nodule.", "Nodule in the left mid zone.", ["polarity"]),  # the left one is accounted for
    ("Bilateral nodules.", "Nodule in the left mid zone.", []),
    ("Nodule.", "Nodule in the left mid zone.", []),
    # what a note says that is not of this chest, or not asserted
    ("Mother had a lung mass.", NOTHING, []),
    ("INDICATION: nodule in the left upper zone?", NOTHING, []),
    ("INDICATION: follow-up of left nodule.", NOTHING, []),
    ("HISTORY: left lung nodule 2009.", NOTHING, []),
    ("History of right pleural effusion.", "No pleural effusion.", []),
    ("Possible nodule in the left upper zone.", NOTHING, []),
    ("A left nodule cannot be excluded.", NOTHING, []),
    ("History of lung cancer.", NOTHING, []),
    ("Status post left lobectomy.", NOTHING, []),
    ("No suspicious lesion of the ribs.", "Nodule in the left upper zone.", []),
    # of several notes the newest that speaks of it counts
    (("No nodule.", "Nodule in the left upper zone."), NOTHING, []),
    (("The left nodule has resolved.", "Nodule in the left upper zone."), NOTHING, []),
    (("No new nodule.", "Nodule in the left upper zone."), NOTHING, ["polarity"]),  # the old one is not denied
    (("Seen in clinic, well.", "Nodule in the left upper zone."), NOTHING, ["polarity"]),
    (("Nodule in the left upper zone.", "No nodule."), NOTHING, ["polarity"]),
    (("Left upper zone nodule, stable.", "Left upper zone nodule."), NOTHING, ["polarity"]),  # once, not twice
    (("No nodule on the right.", "Nodule in the left upper zone."), NOTHING, ["polarity"]),  # the other side
    # fluid, where the picture speaks of it
    ("Small right pleural effusion.", "No pleural effusion.", ["polarity"]),
    ("The right effusion has resolved.", "No pleural effusion.", []),
    ("No effusion.", "Pleural effusion.", []),
    ("Left pleural effusion.", "Pleural effusion.", []),
    ("Right effusion.", "Left pleural effusion.", ["laterality"]),
    # silence is no evidence
    ("Small right pleural effusion.", NOTHING, []),
    ("Right pneumothorax.", NOTHING, []),
    ("Left basal consolidation.", NOTHING, []),
    ("Left basal consolidation.", "The lungs are clear.", ["polarity"]),
]


@pytest.mark.parametrize(("notes", "alone", "expected"), SITUATIONS)
def test_situations(notes, alone, expected):
    assert kinds(notes, alone) == expected


def test_silence_counts_where_the_model_states_what_it_sees():
    (conflict,) = found("Small right pleural effusion.", NOTHING, states=SEES_FLUID)
    assert conflict == (
        "polarity",
        None,
        "No effusion is stated from the image alone.",
        "Small right pleural effusion.",
    )
    assert kinds("Pleural spaces drained, the effusion has resolved.", NOTHING, states=SEES_FLUID) == []
    assert kinds("Right effusion.", (NOTHING, "Pleural effusion."), states=SEES_FLUID) == []


def test_what_the_pictures_show_to_be_gone_is_no_conflict():
    gone = "The nodule in the left upper zone on the prior image is no longer seen."
    assert kinds("Nodule in the left upper zone.", gone) == []
    by_text = "The nodule in the left upper zone described in the prior report is not seen."
    assert kinds("Nodule in the left upper zone.", by_text) == [
        "polarity"
    ]  # no picture can say what a report described


def test_a_draft_that_drops_what_the_picture_shows_is_in_conflict():
    alone = "Nodule in the left upper zone."
    assert found("The lungs are clear.", alone, NOTHING) == [("polarity", 0, alone, "The lungs are clear.")]
    assert kinds("The lungs are clear.", alone, "Nodule in the left upper zone, new since the prior report.") == []


@pytest.mark.parametrize(
    ("note", "alone", "expected"),
    [
        (
            "Nodule in the left upper zone.",
            "Nodule in the left upper zone, new since the prior image.",
            ["progression"],
        ),
        ("No nodule.", "Nodule in the left upper zone, new since the prior image.", []),
        ("No nodule.", "Nodule in the left upper zone, stable compared with the prior image.", ["progression"]),
        ("Left nodule, stable.", "Nodule in the left upper zone, larger than on the prior image.", []),  # other times
        ("Left nodule.", "Nodule in the left upper zone, new since the prior report.", []),  # it was given no report
    ],
)
def test_progression_is_the_pictures_own(note, alone, expected):
    assert kinds(note, alone) == expected


@pytest.mark.parametrize(
    ("note", "alone", "draft", "expected"),
    [
        ("12 mm left nodule.", "Mass in the left mid zone.", "Mass in the left mid zone, stable.", ["size"]),
        ("12 mm left nodule.", "Mass in the left mid zone.", "Mass in the left mid zone, larger.", []),  # it has grown
        ("12 mm left nodule.", "Mass in the left mid zone.", "Mass in the left mid zone.", []),  # nothing is denied
        ("12 mm left nodule.", "Mass in the left mid zone.", "Mass in the left mid zone, smaller.", ["size"]),
        (
            "18 mm left nodule.",
            "Mass in the left mid zone.",
            "Mass in the left mid zone, stable.",
            [],
        ),  # a word is no ruler
        ("65 mm left mass.", "Nodule in the left mid zone.", "Nodule in the left mid zone, stable.", ["size"]),
        ("50 mm left mass.", "Nodule in the left mid zone.", "Nodule in the left mid zone, stable.", []),
        ("8 mm left nodule.", "12 mm nodule in the left lung.", "Left nodule, stable.", []),  # 4 mm: two readers
        ("8 mm left nodule.", "16 mm nodule in the left lung.", "Left nodule, stable.", ["size"]),
    ],
)
def test_sizes(note, alone, draft, expected):
    assert kinds(note, alone, draft) == expected


def test_both_statements_the_sentence_and_the_verbatim_span_are_given():
    note = "Heart normal. 12 mm nodule in the right mid zone. No effusion."
    draft = report("History of lung cancer.", "Nodule in the left mid zone, new since the prior report.")
    (one,) = conflicts(draft, image_only=report("Nodule in the left mid zone."), notes={"n7": note})
    assert (one.kind, one.sentence) == (ConflictKind.LATERALITY, 1)
    assert one.image_says == "Nodule in the left mid zone."
    assert one.note_says == "12 mm nodule in the right mid zone."
    assert one.citation is not None
    assert (one.citation.note_id, one.citation.start, one.citation.end) == ("n7", 14, 49)
    assert one.citation.stands_in(note)


def test_a_sentence_that_only_the_note_put_into_the_draft_is_named():
    draft = ("Nodule in the left upper zone, stable compared with the prior report.",)
    assert found("Nodule in the left upper zone.", NOTHING, draft)[0][:2] == ("polarity", 0)
    assert found("Nodule in the left upper zone.", NOTHING, "Nodule in the right lower zone.")[0][1] is None


def test_a_side_that_only_the_boxes_show_counts():
    right = GroundedSentence("Nodule.", finding="nodule", boxes=(Box(0.2, 0.4, 0.3, 0.5),))  # image left
    (one,) = conflicts(
        GroundedReport((right,)), image_only=GroundedReport((right,)), notes={"n": "Nodule in the left mid zone."}
    )
    assert one.kind is ConflictKind.LATERALITY


def test_without_a_draft_of_the_image_alone_nothing_is_known():
    assert conflicts(report(NOTHING), image_only=None, notes={"n": "Nodule in the left upper zone."}) == ()


PIECES = st.lists(
    st.sampled_from(
        [
            "Nodule in the left upper zone.",
            "Right mid zone mass of 40 mm, stable.",
            "No nodule.",
            "The effusion has resolved.",
            "Right effusion.",
            "Mother had a mass.",
        ]
    ),
    min_size=1,
    max_size=4,
).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(PIECES, PIECES, PIECES)
def test_every_span_is_verbatim_and_a_note_agrees_with_itself_as_a_picture(newer: str, older: str, alone: str):
    notes = {"a": newer, "b": older}
    for one in conflicts(report(alone), image_only=report(alone), notes=notes):
        assert one.citation is not None
        assert one.citation.stands_in(notes[one.citation.note_id])
        assert one.note_says == one.citation.quote
    same = "Nodule in the left upper zone. Right mid zone mass."
    each = report("Nodule in the left upper zone.", "Right mid zone mass.")
    assert conflicts(each, image_only=each, notes={"a": same}) == ()
