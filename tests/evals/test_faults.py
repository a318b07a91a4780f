import pytest

from cases.draft import Draft, DraftStatus, FailureKind
from evals.faults import draft_faults, repeats_itself
from grounding.report import GroundedSentence, Section


def test_every_kind_is_counted_over_what_was_attempted(make):
    kinds = [FailureKind.PARSE, FailureKind.TRUNCATED, FailureKind.EMPTY, FailureKind.REPEATING, FailureKind.TIMEOUT]
    abstained = Draft("d", "c", make.noon, DraftStatus.ABSTAINED, make.model, "", abstention="lateral view")
    told = draft_faults([*map(make.failed, kinds), make.drafted(), abstained]).as_dict()
    assert (told["n_drafts"], told["abstained"]) == (6, 1)
    for kind in ("unparseable", "truncated", "empty", "repeating", "other"):
        assert told[kind]["count"] == 1
        assert told[kind]["n"] == 6


@pytest.mark.parametrize(
    ("second", "repeats"),
    [
        (("Nodule.", (0.30, 0.3), Section.FINDINGS), True),  # the same words at the same place
        (("nodule!", (0.31, 0.3), Section.FINDINGS), True),  # case, stop and a hair's breadth aside
        (("Nodule.", (0.70, 0.3), Section.FINDINGS), False),  # another nodule
        (("Nodule.", (0.30, 0.3), Section.IMPRESSION), False),  # an impression may say it again
        (("A nodule.", (0.30, 0.3), Section.FINDINGS), False),  # other words
        (("Nodule.", None, Section.FINDINGS), False),  # with and without a place
    ],
)
def test_repetition(make, second, repeats):
    text, place, section = second
    boxes = () if place is None else (make.around(*place),)
    first = GroundedSentence("Nodule.", boxes=(make.around(0.3, 0.3),))
    assert repeats_itself((first, GroundedSentence(text, section=section, boxes=boxes))) is repeats


def test_a_sentence_said_twice_without_boxes_repeats():
    assert repeats_itself((GroundedSentence("Clear."), GroundedSentence("Clear.")))
