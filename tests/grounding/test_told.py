"""What notes tell: what counts, where it is, and what a newer note overtakes. Expected values are read by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grounding.findings import Finding
from grounding.report import Laterality
from grounding.told import MOST, MOST_OF_ALL, Place, covers, standing, told

LEFT, RIGHT = Laterality.LEFT, Laterality.RIGHT
UPPER, MID, LOWER = (frozenset({level}) for level in ("upper", "mid", "lower"))


# (note, "finding:polarity@side/levels" of each statement)
NOTES = [
    ("12 mm nodule in the left upper zone, no effusion.", ["nodule:p@left/upper", "effusion:a@not_stated/"]),
    ("A 14 mm coin lesion (nodule), left side, upper zone.", ["nodule:p@left/upper"]),  # one thing, two names
    ("Right effusion and left nodule.", ["effusion:p@right/", "nodule:p@left/"]),
    ("Mother had a lung mass.", []),
    ("Family history: nodule.", []),
    ("INDICATION: nodule?", []),
    ("HISTORY: right effusion 2012.", []),
    ("COMPARISON: CT with a left nodule.", []),
    ("History of pneumonia.", []),
    ("No new nodule.", []),  # denies no known one
    ("No other nodule, no effusion.", ["effusion:a@not_stated/"]),
    ("No large effusion.", []),
    ("No suspicious lesion of the ribs.", []),
    ("Known lung cancer.", []),  # nothing that a film could show
    ("The lungs are clear.", ["no_finding:p@not_stated/"]),
    ("Lungs are clear except for a left nodule.", ["nodule:p@left/"]),
    ("Possible left nodule.", ["nodule:u@left/"]),
    ("The left effusion has resolved.", ["effusion:a@left/"]),
]


@pytest.mark.parametrize(("note", "expected"), NOTES)
def test_what_counts_and_where(note: str, expected: list[str]):
    said = [
        f"{one.finding.value}:{one.polarity.value[0]}@{one.place.side.value}/{','.join(sorted(one.place.levels))}"
        for one in told({"n": note})
    ]
    assert said == expected


@pytest.mark.parametrize(
    ("one", "other", "may_be", "mirrors"),
    [
        (Place(LEFT, UPPER), Place(LEFT, UPPER), True, False),
        (Place(LEFT, UPPER), Place(LEFT, MID), True, False),  # zones that touch
        (Place(LEFT, UPPER), Place(LEFT, LOWER), False, False),
        (Place(LEFT, UPPER | MID), Place(LEFT, LOWER), False, False),  # a lobe is no zone
        (Place(LEFT, UPPER), Place(RIGHT, UPPER), False, True),
        (Place(LEFT, UPPER), Place(RIGHT, LOWER), False, False),
        (Place(LEFT), Place(RIGHT, LOWER), False, True),
        (Place(), Place(RIGHT, LOWER), True, False),
        (Place(Laterality.BILATERAL), Place(RIGHT), True, False),
        (Place(Laterality.MIDLINE), Place(RIGHT), True, False),
    ],
)
def test_places(one: Place, other: Place, may_be: bool, mirrors: bool):
    assert (one.may_be(other), other.may_be(one)) == (may_be, may_be)
    assert (one.mirrors(other), other.mirrors(one)) == (mirrors, mirrors)


@pytest.mark.parametrize(
    ("denied", "finding", "expected"),
    [
        (Finding.OPACITY, Finding.NODULE, True),  # no lesion: no nodule
        (Finding.NODULE, Finding.OPACITY, False),
        (Finding.NODULE, Finding.MASS, True),  # size alone parts them
        (Finding.NODULE, Finding.CAVITY, False),
        (Finding.CONSOLIDATION, Finding.PNEUMONIA, True),
        (Finding.PNEUMONIA, Finding.CONSOLIDATION, False),
        (Finding.EFFUSION, Finding.EFFUSION, True),
        (Finding.EFFUSION, Finding.NODULE, False),
    ],
)
def test_what_a_denial_covers(denied: Finding, finding: Finding, expected: bool):
    assert covers(denied, finding) is expected


@pytest.mark.parametrize(
    ("note", "finding", "place", "expected"),
    [
        ("No nodule on the left.", Finding.NODULE, Place(LEFT), True),
        ("No nodule on the left.", Finding.NODULE, Place(RIGHT), False),
        ("No nodule.", Finding.NODULE, Place(RIGHT), True),
        ("No nodule in the left apex.", Finding.NODULE, Place(LEFT, LOWER), False),
        ("The lungs are clear.", Finding.NODULE, Place(RIGHT), True),
        ("The lungs are clear.", Finding.EFFUSION, Place(RIGHT), False),  # fluid lies beside them
        ("Left nodule.", Finding.NODULE, Place(LEFT), False),
    ],
)
def test_denials(note: str, finding: Finding, place: Place, expected: bool):
    (one,) = told({"n": note})
    assert one.denies(finding, place) is expected


@pytest.mark.parametrize(
    ("notes", "left"),
    [
        (("No nodule.", "Left nodule."), ["No nodule."]),
        (("Left nodule.", "No nodule."), ["Left nodule."]),
        (("Right nodule.", "Left nodule."), ["Right nodule.", "Left nodule."]),
        (("No effusion.", "Left nodule."), ["No effusion.", "Left nodule."]),
        (("Possible nodule.", "Left nodule."), ["Possible nodule.", "Left nodule."]),  # a doubt overtakes nothing
        (("No nodule. Left nodule.",), ["No nodule.", "Left nodule."]),  # a note does not overtake itself
        (("Left nodule. Again left nodule.",), ["Left nodule."]),  # a note's repeats
    ],
)
def test_what_stands(notes: tuple[str, ...], left: list[str]):
    statements = told({f"n{age}": text for age, text in enumerate(notes)})
    assert [one.citation.quote for one in standing(statements)] == left


def test_long_notes_are_told_in_part():
    long = "Left nodule. " * 200
    assert len(told({"a": long})) == MOST
    assert len(told({f"n{number}": long for number in range(9)})) == MOST_OF_ALL


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_every_statement_is_verbatim(text: str):
    for one in told({"n": text}):
        assert one.citation.stands_in(text)
