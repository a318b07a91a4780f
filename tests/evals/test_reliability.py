"""Calibration error and its company: by hand, against scikit-learn, and on probabilities that are true or false."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evals.reliability import Said


def said(probabilities, right, patients=None):
    names = patients or [f"p{n}" for n in range(len(right))]
    return Said(tuple(probabilities), tuple(map(bool, right)), tuple(names))


def drawn(count, *, seed, off=0.0):
    random = np.random.default_rng(seed)
    p = random.uniform(0.05, 0.95, count)
    return said((np.clip(p + off, 0.01, 0.99)).tolist(), random.random(count) < p)


def test_by_hand():
    """Two bins: 0.2 and 0.4 said of 1 of 2, 0.6 and 1.0 said of 1 of 2."""
    told = said([1.0, 0.2, 0.6, 0.4], [1, 1, 0, 0])
    assert told.ece(seed=0).value == pytest.approx(0.5 * abs(0.3 - 0.5) + 0.5 * abs(0.8 - 0.5))
    assert told.brier(seed=0).value == pytest.approx((0 + 0.64 + 0.36 + 0.16) / 4)
    assert told.auc(seed=0).value == pytest.approx(0.5)
    assert [(one.n, one.said, one.right) for one in told.table()] == [
        (2, pytest.approx(0.3), 0.5),
        (2, pytest.approx(0.8), 0.5),
    ]
    # wrong, surest first: 0, 1, 1, 0
    assert told.aurc() == pytest.approx((0 + 1 / 2 + 2 / 3 + 2 / 4) / 4)
    assert [(one.coverage, one.n, one.risk) for one in told.risks() if one.coverage in (0.5, 1.0)] == [
        (0.5, 2, 0.5),
        (1.0, 4, 0.5),
    ]


def test_brier_and_bins_are_those_of_others():
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import brier_score_loss

    told = drawn(1000, seed=1)
    assert told.brier(seed=0).value == pytest.approx(brier_score_loss(told.right, told.probabilities))
    right, mean = calibration_curve(told.right, told.probabilities, n_bins=10, strategy="quantile")
    assert [one.right for one in told.table()] == pytest.approx(right.tolist())
    assert [one.said for one in told.table()] == pytest.approx(mean.tolist())


@pytest.mark.parametrize(
    ("n", "bins"),
    [(0, 0), (1, 0), (2, 2), (199, 2), (300, 3), (1000, 10), (5000, 10)],
)
def test_the_number_of_bins_is_fixed_by_n(n, bins):
    told = said([0.5] * n, [True] * n)
    assert told.bins == bins
    assert len(told.table()) == bins


def test_true_probabilities_have_the_error_of_noise_and_false_ones_more():
    true, false = drawn(2000, seed=2), drawn(2000, seed=2, off=0.15)
    assert true.ece(seed=0).value < 0.05
    assert true.ece(seed=0).value == pytest.approx(true.noise_floor(seed=0), abs=0.02)
    assert false.ece(seed=0).value > 0.1
    low, high = false.ece(seed=0).ci95
    assert 0.08 < low < false.ece(seed=0).value < high


def test_patients_are_resampled_whole():
    told = said([0.9, 0.1] * 40, [1, 0] * 40, ["a"] * 40 + ["b"] * 40)
    assert said([0.9, 0.1], [1, 0], ["a", "a"]).brier(seed=0).ci95 is None  # one patient has no interval
    assert told.brier(seed=0).ci95 == (pytest.approx(0.01), pytest.approx(0.01))


def test_nothing_measured_is_none():
    empty = said([], [])
    told = empty.as_dict(seed=0)
    assert (told["n"], told["aurc"], told["reliability"], told["risk_coverage"]) == (0, None, [], [])
    assert (told["ece"]["value"], told["brier"]["value"], told["auc"]["value"]) == (None, None, None)
    assert not math.isnan(said([0.5], [True]).aurc())


def test_one_outcome_a_probability():
    with pytest.raises(ValueError, match="one outcome"):
        Said((0.5,), (), ())
