"""What another draft says otherwise, on reports written by hand; the pairing: tests/evals/test_draft_change.py."""

from __future__ import annotations

import pytest

from grounding.box import Box
from grounding.redraft import RedraftChange, SentenceChange, report_changes
from grounding.report import GroundedReport, GroundedSentence, Laterality, Polarity, Progression

APPEARS, DISAPPEARS, POLARITY, LATERALITY, PROGRESSION, LOCATION = RedraftChange


def nodule(text="Nodule.", **facts):
    return GroundedSentence(text, **{"finding": "nodule", **facts})


HISTORY = GroundedSentence("History of skin cancer.", finding="malignancy")
NO_PRIOR = GroundedSentence("No prior report for comparison.", progression=Progression.NOT_COMPARABLE)
NEW, STABLE = Progression.NEW, Progression.STABLE

# draft, redraft -> (change, index in the draft) of each, in order
TABLE = [
    ([nodule(), HISTORY], [HISTORY, nodule("There is a nodule.")], []),  # another order, other words, the same facts
    ([nodule(), HISTORY], [nodule()], [(DISAPPEARS, 1)]),  # the history was the note's
    ([nodule()], [nodule(), NO_PRIOR], [(APPEARS, None)]),  # nothing to compare with any more
    ([nodule()], [nodule(finding="mass")], [(DISAPPEARS, 0), (APPEARS, None)]),  # another finding is another sentence
    ([HISTORY, nodule()], [HISTORY, nodule(polarity=Polarity.ABSENT)], [(POLARITY, 1)]),
    ([nodule(laterality=Laterality.LEFT)], [nodule(laterality=Laterality.RIGHT)], [(LATERALITY, 0)]),
    ([nodule(progression=STABLE)], [nodule(progression=NEW)], [(PROGRESSION, 0)]),
    ([nodule(location="upper zone")], [nodule(location="mid zone")], [(LOCATION, 0)]),
    (  # two facts of one sentence are two changes, in the order of the facts
        [nodule(laterality=Laterality.LEFT, progression=NEW)],
        [nodule(laterality=Laterality.RIGHT, progression=STABLE)],
        [(LATERALITY, 0), (PROGRESSION, 0)],
    ),
    (  # of two nodules, the one at the same place is the same one: the other has gone
        [nodule(boxes=(Box(0.1, 0.1, 0.2, 0.2),)), nodule(boxes=(Box(0.7, 0.7, 0.8, 0.8),))],
        [nodule(boxes=(Box(0.7, 0.7, 0.8, 0.8),))],
        [(DISAPPEARS, 0)],
    ),
]


@pytest.mark.parametrize(("draft", "other", "expected"), TABLE)
def test_what_another_draft_says_otherwise(draft, other, expected):
    found = report_changes(GroundedReport(tuple(draft)), GroundedReport(tuple(other)))
    assert [(one.change, one.sentence) for one in found] == expected
    for one in found:
        assert one.before == (None if one.sentence is None else draft[one.sentence].text)
        assert (one.after is None) == (one.change is DISAPPEARS)


@pytest.mark.parametrize(
    "wrong",
    [
        (APPEARS, 0, None, "x"),  # what appears has no place in the draft
        (APPEARS, None, None, None),
        (DISAPPEARS, 0, "x", "y"),  # what disappears does not stand in the other
        (POLARITY, None, "x", "y"),
        (LATERALITY, 0, "x", None),
    ],
)
def test_a_change_is_one_or_the_other(wrong):
    with pytest.raises(ValueError, match="was not there"):
        SentenceChange(*wrong)
