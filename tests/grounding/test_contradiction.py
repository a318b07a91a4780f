"""Notes against each other: what no course of events explains, and what one does."""

from __future__ import annotations

import pytest

from grounding.contradiction import contradictions

# (newer note, older note, kinds)
PAIRS = [
    # sides
    ("Nodule in the right upper zone.", "Nodule in the left upper zone.", ["laterality"]),
    ("New nodule in the right upper zone.", "Nodule in the left upper zone.", []),  # another one
    ("Nodules in the right upper and left upper zone.", "Nodule in the left upper zone.", []),
    (
        "Right upper zone nodule. No nodule on the left.",
        "Nodule in the left upper zone.",
        [],
    ),  # it says what became of it
    ("Nodule in the right upper zone.", "Nodule in the left lower zone.", []),  # not mirrored: two things
    ("Right effusion.", "Left effusion.", ["laterality"]),
    # courses
    ("Left effusion, unchanged.", "The left effusion has resolved.", ["progression"]),
    ("Left effusion, smaller.", "No pleural effusion.", ["progression"]),
    ("Left nodule, stable.", "The lungs are clear.", ["progression"]),
    ("New left effusion.", "Small left effusion.", ["progression"]),
    ("New left effusion.", "No effusion.", []),
    ("Left effusion.", "The left effusion has resolved.", []),  # it came back
    ("The left effusion has resolved.", "Left effusion, stable.", []),  # it went
    ("No effusion.", "Left effusion.", []),
    ("Left effusion.", "No effusion.", []),
    # sizes
    ("Left nodule of 24 mm, stable.", "Left nodule, 12 mm.", ["size"]),
    ("Left nodule of 24 mm, larger.", "Left nodule, 12 mm.", []),
    ("Left nodule of 12 mm, larger than before.", "Left nodule, 24 mm.", ["size"]),
    ("Left nodule of 13 mm, stable.", "Left nodule, 12 mm.", []),
    ("Left nodule, stable at 12 mm.", "Left nodule, smaller, 12 mm versus 20 mm.", []),  # 12 then, 12 now
    # what counts for nothing
    ("Mother had a right lung mass.", "Left lung mass.", []),
    ("INDICATION: right nodule.", "Left nodule.", []),
    ("Possible right nodule.", "Left nodule.", []),
]


@pytest.mark.parametrize(("newer", "older", "kinds"), PAIRS)
def test_between_two_notes(newer, older, kinds):
    found = contradictions({"newer": newer, "older": older})
    assert [one.kind.value for one in found] == kinds
    for one in found:
        assert (one.first.note_id, one.second.note_id) == ("newer", "older")
        assert one.first.stands_in(newer)
        assert one.second.stands_in(older)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("No pleural effusion. Small right effusion.", ["polarity"]),
        ("No effusion on the left. Small right effusion.", []),
        ("No new nodule. Left nodule as before.", []),
        ("12 mm nodule in the left mid zone. IMPRESSION: Right mid zone nodule, 12 mm.", ["laterality"]),
        ("12 mm nodule in the left mid zone, 8 mm nodule in the right mid zone.", []),
        ("The lungs are clear except for a left nodule. Nodule in the left lung.", []),
    ],
)
def test_within_one_note(text, kinds):
    assert [one.kind.value for one in contradictions({"n": text})] == kinds


def test_the_last_note_to_speak_of_it_counts():
    notes = {"c": "Left effusion, unchanged.", "b": "Left effusion.", "a": "No effusion."}
    assert contradictions(notes) == ()
    notes = {"c": "Left effusion, unchanged.", "b": "No effusion.", "a": "Left effusion."}
    assert [one.second.note_id for one in contradictions(notes)] == ["b"]


def test_notes_made_to_contradict_themselves_are_not_listed_for_ever():
    text = " ".join(f"No nodule. Left nodule of {size} mm." for size in range(10, 60))
    assert len(contradictions({"n": text})) == 50
