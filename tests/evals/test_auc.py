import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from evals.auc import Ranked


def ranked(positive, strata=None, patients=None):
    count = len(positive)
    return Ranked(tuple(positive), tuple(strata or [""] * count), tuple(patients or map(str, range(count))))


@pytest.mark.parametrize(
    ("positive", "scores", "area"),
    [
        ([True, True, False, False], [4, 3, 2, 1], 1.0),  # perfect
        ([True, True, False, False], [1, 2, 3, 4], 0.0),  # upside down
        ([True, False], [1, 1], 0.5),  # a tie is half a win
        ([True, True, False, False], [3, 1, 2, 0], 0.75),  # three of four pairs
        ([True, True, False], [2, 1, 1], 0.75),  # a win and a tie
    ],
)
def test_areas_by_hand(positive, scores, area):
    assert ranked(positive).area(scores, seed=0).value == area


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=25))
def test_the_area_is_scikit_learns(rows):
    positive, scores = [there for there, _ in rows], [score for _, score in rows]
    figure = ranked(positive, patients=["one"] * len(rows)).area(scores, seed=0)
    if len(set(positive)) < 2:
        assert figure.value is None  # no pair, no area
    else:
        assert figure.value == pytest.approx(roc_auc_score(positive, scores))


def test_what_tells_strata_apart_earns_nothing_within_them():
    positive = [True, True, True, False, True, False, False, False]
    strata = ["sick source"] * 4 + ["well source"] * 4
    by_source = [1.0] * 4 + [0.0] * 4
    judged = ranked(positive, strata)
    assert judged.unstratified.area(by_source, seed=0).value == 0.75  # of 16 pairs 9 won, 6 tied, 1 lost
    assert judged.area(by_source, seed=0).value == 0.5
    assert judged.pairs == 6  # 3 x 1 and 1 x 3


def test_strata_without_both_kinds_make_no_pair():
    figure = ranked([True, False], ["a", "b"]).area([1, 0], seed=0)
    assert (figure.value, figure.n) == (None, 0)


def test_a_perfect_ranking_of_few_has_no_interval():
    assert ranked([True, False]).area([1, 0], seed=0).ci95 is None


def test_the_gain_is_paired():
    random = np.random.default_rng(3)
    positive = [bool(x) for x in random.random(80) < 0.5]
    scores = [there + random.normal(0, 1) for there in positive]
    judged = ranked(positive)
    same = judged.gain(scores, [2 * score + 1 for score in scores], seed=0)
    assert same.value == 0.0
    assert same.ci95 is None  # every resample agrees: unpaired ones would not
    better = judged.gain(scores, list(random.normal(0, 1, 80)), seed=0)
    assert better.value > 0.1
    assert better.ci95[0] < better.value < better.ci95[1]


def test_the_interval_counts_patients_not_images():
    random = np.random.default_rng(5)
    positive = [bool(x) for x in random.random(40) < 0.5]
    scores = [there + random.normal(0, 1) for there in positive]
    alone = ranked(positive).area(scores, seed=0)
    tenfold = ranked(positive * 10, patients=[str(i) for _ in range(10) for i in range(40)]).area(scores * 10, seed=0)
    width = alone.ci95[1] - alone.ci95[0]
    assert tenfold.ci95[1] - tenfold.ci95[0] == pytest.approx(width, rel=0.25)  # copies of patients are no news


@pytest.mark.parametrize("scores", [[1.0], [math.nan, 1.0]])
def test_scores_that_are_none(scores):
    with pytest.raises(ValueError, match="one score an image"):
        ranked([True, False]).area(scores, seed=0)
