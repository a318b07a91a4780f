"""What is different between two drafts, on drafts written by hand."""

from __future__ import annotations

import pytest

from cases.draft import FailureKind
from evals.draft_change import FACTS, draft_change, paired
from grounding.box import Box
from grounding.report import GroundedSentence, Laterality, Polarity, Progression, Section

LEFT, RIGHT = Laterality.LEFT, Laterality.RIGHT


def nodule(text="Nodule in the left lung.", *, box=None, **facts):
    return GroundedSentence(text, **{"finding": "nodule", "boxes": (box,) if box else (), **facts})


EFFUSION = GroundedSentence("No effusion.", finding="effusion", polarity=Polarity.ABSENT)
FREE = GroundedSentence("Former smoker.")

# first, second -> (gained, lost, changed polarity, laterality, progression, location)
TABLE = [
    # the same draft twice
    ([nodule(), EFFUSION], [nodule(), EFFUSION], (0, 0, 0, 0, 0, 0)),
    # the same in another order
    ([nodule(), EFFUSION], [EFFUSION, nodule()], (0, 0, 0, 0, 0, 0)),
    # other words for the same facts are no change
    ([nodule()], [nodule("There is a nodule on the left.")], (0, 0, 0, 0, 0, 0)),
    # a sentence more, a sentence less
    ([nodule()], [nodule(), EFFUSION], (1, 0, 0, 0, 0, 0)),
    ([nodule(), EFFUSION], [nodule()], (0, 1, 0, 0, 0, 0)),
    # another finding is one lost and one gained, not a change
    ([nodule()], [nodule(finding="mass")], (1, 1, 0, 0, 0, 0)),
    # the same finding in the other section too
    ([nodule()], [nodule(section=Section.IMPRESSION)], (1, 1, 0, 0, 0, 0)),
    # flipped side, there or not, change, place
    ([nodule(laterality=LEFT)], [nodule(laterality=RIGHT)], (0, 0, 0, 1, 0, 0)),
    ([EFFUSION], [GroundedSentence("Effusion.", finding="effusion")], (0, 0, 1, 0, 0, 0)),
    ([nodule(progression=Progression.NEW)], [nodule(progression=Progression.STABLE)], (0, 0, 0, 0, 1, 0)),
    ([nodule(location="upper zone")], [nodule(location="lower zone")], (0, 0, 0, 0, 0, 1)),
    # several facts of one sentence, each counted
    ([nodule(laterality=LEFT, location="a")], [nodule(laterality=RIGHT, location="b")], (0, 0, 0, 1, 0, 1)),
    # two nodules: the pairing with the fewest differences wins, so only one of them changed
    (
        [nodule(laterality=LEFT), nodule(laterality=RIGHT)],
        [nodule(laterality=RIGHT, location="apex"), nodule(laterality=LEFT)],
        (0, 0, 0, 0, 0, 1),
    ),
    # sentences without a finding are paired by their words; punctuation and case do not count
    ([FREE], [GroundedSentence("former smoker")], (0, 0, 0, 0, 0, 0)),
    ([FREE], [GroundedSentence("Never smoked.")], (1, 1, 0, 0, 0, 0)),
]


@pytest.mark.parametrize(("first", "second", "expected"), TABLE)
def test_what_changed(make, first, second, expected):
    change = draft_change(make.drafted(*first), make.drafted(*second))
    assert (change.gained, change.lost, *change.changed) == expected
    assert change.any_finding is any(expected)
    assert [change.differs_in(fact) for fact in FACTS] == [bool(count) for count in expected[2:]]


def test_of_equal_sentences_the_nearer_boxes_are_paired(make):
    near, far = make.around(0.3, 0.3), make.around(0.7, 0.7)
    ours = (nodule(box=near), nodule(box=far))
    theirs = (nodule(box=make.around(0.68, 0.7)), nodule(box=make.around(0.3, 0.32)))
    assert paired(ours, theirs) == ((0, 1), (1, 0))


def test_a_moved_box_is_matched_and_measured(make):
    """Unit squares of side 0.2 moved by half a side: intersection 1/2, union 3/2, IoU 1/3."""
    first = make.boxed(Box(0.2, 0.2, 0.4, 0.4), scores=(0.5,))
    second = make.boxed(Box(0.3, 0.2, 0.5, 0.4), scores=(0.2,))
    change = draft_change(first, second)
    assert change.boxes[0].iou == pytest.approx(1 / 3)
    assert change.boxes[0].scores == (0.5, 0.2)
    assert not change.any_finding


def test_boxes_that_stand_alone_are_counted(make):
    one, two = make.around(0.3, 0.3), make.around(0.7, 0.7)
    first = make.drafted(nodule(box=one), scores=(0.5,))
    second = make.drafted(GroundedSentence("Nodules.", finding="nodule", boxes=(two, one)), scores=(0.1, 0.4))
    change = draft_change(first, second)
    assert [(box.iou, box.scores) for box in change.boxes] == [(1.0, (0.5, 0.4))]
    assert (change.boxes_gained, change.boxes_lost) == (1, 0)


def test_without_scores_there_is_no_confidence(make):
    box = make.around(0.3, 0.3)
    change = draft_change(make.boxed(box, scores=()), make.boxed(box, scores=(0.5,)))
    assert change.boxes[0].scores is None


def test_a_draft_that_fails_where_the_other_does_not_is_a_change(make):
    change = draft_change(make.drafted(), make.failed(FailureKind.PARSE))
    assert not change.comparable
    assert change.failed == (False, True)
    assert change.any_finding
    assert not draft_change(make.failed(FailureKind.PARSE), make.failed(FailureKind.EMPTY)).any_finding
