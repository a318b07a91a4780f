from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grounding.typicality import fitted, threshold_of


def examples(count=400, width=6, seed=0):
    return np.random.default_rng(seed).normal(5.0, 2.0, (count, width)).astype(np.float32)


def test_the_distance_is_mahalanobis_own_where_every_direction_is_kept_but_one():
    data = examples()
    typical = fitted(data, directions=5)
    point = np.array([9.0, 1.0, 5.0, 6.0, 4.0, 2.0], np.float32)
    # With d - 1 directions the rest is the last eigenvalue, so this is the whole covariance: numpy inverts it instead.
    deviation = point.astype(np.float64) - data.astype(np.float64).mean(axis=0)
    expected = np.sqrt(deviation @ np.linalg.inv(np.cov(data.T.astype(np.float64))) @ deviation / 6)
    assert typical.distance(point) == pytest.approx(expected, rel=2e-3)


def test_examples_are_about_one_away_and_others_further():
    typical = fitted(examples(), directions=3)
    fresh = [typical.distance(one) for one in examples(100, seed=1)]
    assert np.sqrt(np.mean(np.square(fresh))) == pytest.approx(1.0, abs=0.1)
    assert typical.distance(np.full(6, 20.0, np.float32)) > 3 * max(fresh)


def test_a_deviation_where_the_examples_never_vary_counts_the_most():
    random = np.random.default_rng(0)
    along = random.normal(size=(200, 1)) * np.array([[1.0, 1.0, 0.0]])  # two features always agree
    data = (along + random.normal(scale=0.01, size=(200, 3))).astype(np.float32)
    typical = fitted(data, directions=2)
    assert typical.distance(np.array([1.0, -1.0, 0], np.float32)) > 5 * typical.distance(
        np.array([1.0, 1.0, 0], np.float32)
    )


@given(st.lists(st.floats(-3, 3, width=32), min_size=3, max_size=3), st.floats(0.1, 50))
def test_the_unit_of_a_feature_does_not_matter(point, unit):
    data = examples(width=3)
    one = fitted(data, directions=2).distance(np.array(point, np.float32))
    other = fitted(data * np.float32(unit), directions=2).distance(np.array(point, np.float32) * np.float32(unit))
    assert other == pytest.approx(one, rel=1e-2)


@pytest.mark.parametrize(
    ("share", "flagged"),
    [
        (0.05, 5),
        (0.04, 4),
        (0.001, 0),  # fewer than one: none of them
    ],
)
def test_no_more_than_the_share_of_the_kept_out_reach_the_threshold(share, flagged):
    distances = np.random.default_rng(3).random(100)
    assert (distances >= threshold_of(distances, share=share)).sum() == flagged


def test_statistics_that_do_not_fit_are_refused():
    typical = fitted(examples(), directions=2)
    for changes in ({"rest": 0.0}, {"mean": typical.mean[:3]}, {"scale": typical.scale * np.nan}, {"threshold": -1.0}):
        with pytest.raises(ValueError, match="fit them again"):
            replace(typical, **changes)
    with pytest.raises(ValueError, match="6 features, not 2"):
        typical.distance(np.zeros(2, np.float32))
    with pytest.raises(ValueError, match="three examples"):
        fitted(examples(2), directions=2)


def test_a_feature_that_never_varies_divides_by_nothing():
    data = examples()
    data[:, 0] = 7.0
    assert np.isfinite(fitted(data, directions=3).distance(data[0]))
