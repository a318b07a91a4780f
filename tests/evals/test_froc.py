import numpy as np
import pytest

from evals.froc import FrocCurve

# Four images, one lesion each. By falling score: 0.9 found, 0.8 false, 0.7 false, 0.6 found.
HAND = [[(0.9, True), (0.8, False)], [(0.7, False), (0.6, True)], [], []]


@pytest.mark.parametrize(
    ("target", "sensitivity"),
    [
        (0.0, 0.25),  # only the first box
        (0.25, 0.25),  # one false box allowed on four images: 0.9 and 0.8
        (0.5, 0.5),  # two allowed: all four boxes
        (1.0, 0.5),  # as drafted
    ],
)
def test_by_hand(target, sensitivity):
    assert FrocCurve(HAND, [1, 1, 1, 1]).sensitivity_at(target) == sensitivity


def test_equal_scores_enter_together():
    # the found one stands first among its equals: counting it before the two false ones would flatter
    tied = [[(0.9, True), (0.8, True)], [(0.8, False), (0.8, False)], [], []]
    curve = FrocCurve(tied, [1, 1, 1, 1])
    assert curve.sensitivity_at(0.25) == 0.25  # 0.8 brings two false boxes at once: too many
    assert curve.sensitivity_at(0.5) == 0.5


def test_a_false_first_box_leaves_nothing_under_its_target():
    assert FrocCurve([[(0.9, False), (0.1, True)]], [1]).sensitivity_at(0.5) == 0.0


def test_ignored_boxes_are_neither():
    assert FrocCurve([[(0.9, None), (0.8, True)]], [1]).sensitivity_at(0.0) == 1.0


def test_no_lesions_is_not_measured():
    assert FrocCurve([[(0.9, False)]], [0]).sensitivity_at(1.0) is None


def test_no_boxes_find_nothing():
    assert FrocCurve([[], []], [1, 1]).sensitivity_at(1.0) == 0.0


def test_the_threshold_is_found_anew_in_each_resample():
    # Image 0 twice, image 2 twice: 0.9 found x2, 0.8 false x2 on four images; two lesions found of four.
    times = np.array([2, 0, 2, 0])
    curve = FrocCurve(HAND, [1, 1, 1, 1])
    assert curve.sensitivity_at(0.25, times=times) == 0.5
