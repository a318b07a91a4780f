"""What sentences take a stand on, and which stands rule each other out: judged by hand."""

from __future__ import annotations

import pytest

from grounding.report import Laterality, Polarity
from grounding.stance import Stance, stance_of

LEFT, RIGHT, ANY = Laterality.LEFT, Laterality.RIGHT, Laterality.NOT_STATED
HERE, GONE, MAYBE = Polarity.PRESENT, Polarity.ABSENT, Polarity.UNCERTAIN


@pytest.mark.parametrize(
    ("text", "stance"),
    [
        ("Nodule in the left upper zone, new since the prior report.", Stance("lesion", HERE, LEFT)),
        ("Mass in the left mid zone.", Stance("lesion", HERE, LEFT)),  # a mass is the same stand as a nodule
        ("No focal nodule or mass.", Stance("lesion", GONE, ANY)),
        ("The nodule in the left upper zone described in the prior report is not seen.", Stance("lesion", GONE, ANY)),
        ("Possible nodule in the right lung.", Stance("lesion", MAYBE, RIGHT)),
        ("The lungs are clear.", Stance("no_finding", GONE, ANY)),
        ("Right pleural effusion.", Stance("effusion", HERE, RIGHT)),
        ("History of skin cancer.", None),  # history
        ("Current smoker.", None),  # nothing that an image shows
        ("No prior report for comparison.", None),
    ],
)
def test_stands(text, stance):
    assert stance_of(text) == stance


@pytest.mark.parametrize(
    ("one", "other", "ruled_out"),
    [
        ("Nodule in the left lung.", "No nodule.", True),
        ("Nodule in the left lung.", "Nodule in the right lung.", True),
        ("Nodule in the left lung.", "Nodule.", False),
        ("Nodule in the left lung.", "The lungs are clear.", True),  # nothing at all rules out anything
        ("Nodule in the left lung.", "No effusion.", False),
        ("No nodule.", "No mass.", False),
        ("Possible nodule in the left lung.", "No nodule.", False),  # hedged: both may be right
    ],
)
def test_what_rules_out_what(one, other, ruled_out):
    first, second = stance_of(one), stance_of(other)
    assert first.contradicts(second) is ruled_out
    assert second.contradicts(first) is ruled_out
