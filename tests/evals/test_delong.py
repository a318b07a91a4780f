"""Checked against the definition written out pair by pair, scikit-learn's area, and SAS's published example."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from evals.delong import RocInputError, areas

# 43 patients of DeLong's own paper, as printed in the SAS/STAT User's Guide, "Comparing Receiver Operating
# Characteristic Curves": albumin, total protein, K-G score, outcome (1 = the event that is not modelled).
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1
3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0
2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1
3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0
3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1
3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""


def by_definition(scores, truth):
    """Areas and covariance from every pair of a positive and a negative (the structural components)."""
    scores, positive = np.atleast_2d(np.asarray(scores, dtype=float)), np.asarray(truth, dtype=bool)
    wins = np.array(
        [[[1.0 if p > q else 0.5 if p == q else 0.0 for q in row[~positive]] for p in row[positive]] for row in scores]
    )
    over, under = wins.mean(axis=2), wins.mean(axis=1)
    k = len(scores)
    spread = [np.cov(part, ddof=1).reshape(k, k) / part.shape[1] for part in (over, under)]
    return wins.mean(axis=(1, 2)), sum(spread)


def test_the_published_example_of_delongs_data():
    table = np.array(OVARIAN.split(), dtype=float).reshape(-1, 4)
    albumin, protein, score, outcome = table.T
    found = areas([albumin, 10 - score, protein], outcome)  # low values go with a poor outcome
    assert (found.positives, found.negatives) == (31, 12)
    assert found.values == pytest.approx((0.7366, 0.7258, 0.6478), abs=5e-5)
    assert [math.sqrt(found.covariance[i][i]) for i in range(3)] == pytest.approx([0.0927, 0.1028, 0.1000], abs=5e-5)
    assert found.figure(0).ci95 == pytest.approx((0.5549, 0.9182), abs=1e-4)
    against = found.difference(0, 1)
    assert against.figure.value == pytest.approx(0.0108, abs=5e-5)
    assert against.figure.ci95 == pytest.approx((-0.1761, 0.1976), abs=1e-4)
    assert (against.z**2, against.p) == pytest.approx((0.0127, 0.9102), abs=1e-4)
    protein_less = found.difference(2, 1)
    assert (protein_less.z**2, protein_less.p) == pytest.approx((0.5554, 0.4561), abs=1e-4)


# Few distinct levels, so that ties are the rule.
labelled = st.lists(
    st.tuples(st.booleans(), st.integers(-3, 3), st.integers(0, 4), st.floats(-1e3, 1e3)), min_size=4, max_size=60
).filter(lambda rows: 2 <= sum(row[0] for row in rows) <= len(rows) - 2)

tables = settings(max_examples=25, deadline=None)


def split(rows):
    truth, *scores = zip(*rows, strict=True)
    return np.array(scores, dtype=float), np.array(truth)


@tables
@given(labelled)
def test_as_by_definition_and_as_scikit_learn(rows):
    scores, truth = split(rows)
    found = areas(scores, truth)
    values, covariance = by_definition(scores, truth)
    assert found.values == pytest.approx(values, abs=1e-12)
    assert np.array(found.covariance) == pytest.approx(covariance, abs=1e-12)
    assert found.values == pytest.approx([roc_auc_score(truth, row) for row in scores], abs=1e-12)


@tables
@given(labelled)
def test_only_the_order_of_scores_counts(rows):
    scores, truth = split(rows)
    mapped = np.array([np.unique(row, return_inverse=True)[1] ** 3 + 7.0 for row in scores])
    assert areas(mapped, truth) == areas(scores, truth)


@tables
@given(labelled)
def test_what_is_turned_round_twice_stands_as_before(rows):
    scores, truth = split(rows)
    found, turned = areas(scores, truth), areas(-scores, truth)
    assert turned.values == pytest.approx([1 - value for value in found.values], abs=1e-12)
    assert np.array(turned.covariance) == pytest.approx(np.array(found.covariance), abs=1e-12)
    assert np.array(areas(-scores, ~truth).covariance) == pytest.approx(np.array(found.covariance), abs=1e-12)
    assert areas(-scores, ~truth).values == pytest.approx(found.values, abs=1e-12)


@tables
@given(labelled)
def test_a_score_does_not_differ_from_itself(rows):
    scores, truth = split(rows)
    twice = areas([scores[0], scores[0] * 2 + 1], truth).difference(0, 1)
    assert (twice.figure.value, twice.z, twice.p) == (0.0, 0.0, 1.0)


@tables
@given(labelled)
def test_a_difference_turned_round_changes_its_sign_only(rows):
    found = areas(*split(rows))
    one, other = found.difference(1, 2), found.difference(2, 1)
    assert one.figure.value == pytest.approx(-other.figure.value)
    assert one.p == pytest.approx(other.p) if one.p is not None else other.p is None


def test_nothing_is_claimed_where_the_variance_is_zero():
    perfect = areas([[0, 1, 2, 3], [5, 5, 5, 5]], [0, 0, 1, 1])
    assert perfect.figure(0).as_dict() == {"value": 1.0, "ci95": None, "n": 4}
    assert perfect.figure(1).as_dict() == {"value": 0.5, "ci95": None, "n": 4}
    apart = perfect.difference(0, 1)
    assert (apart.figure.value, apart.z, apart.p) == (0.5, None, None)


def test_an_interval_stays_within_the_possible():
    high = areas([0, 1, 2, 4, 3, 5, 6, 7], [0, 0, 0, 0, 1, 1, 1, 1]).figure()
    assert high.value == 0.9375 and high.ci95[1] == 1.0


@pytest.mark.parametrize(
    ("scores", "truth", "words"),
    [
        ([1, 2, 3], [1, 1, 1], "both classes: 3 of 3"),  # only positives
        ([1, 2, 3], [0, 0, 0], "both classes: 0 of 3"),  # only negatives
        ([], [], "both classes: 0 of 0"),  # nobody
        ([1, 2], [0, 1, 1], "one score and one truth"),  # a patient without a score
        ([1.0, math.nan], [0, 1], "1 are not"),  # a score that is none
        ([math.inf, 1.0], [0, 1], "1 are not"),
        ([1, 2, 3], [0, 1, 2], "3 values"),  # three classes
        ([[[1, 2]]], [0, 1], "one score and one truth"),  # a table too deep
    ],
)
def test_what_is_no_roc_curve_is_refused(scores, truth, words):
    with pytest.raises(RocInputError, match=words):
        areas(scores, truth)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    # Binormal scores of known area, Phi(1 / sqrt 2) = 0.7602: 95 % of 400 intervals, give or take 3 standard errors.
    random, truth = np.random.default_rng(3), np.repeat([0, 1], [120, 80])
    covered = [areas(random.normal(size=200) + truth, truth).figure().ci95 for _ in range(400)]
    assert 0.917 <= np.mean([low <= 0.760250 <= high for low, high in covered]) <= 0.983
