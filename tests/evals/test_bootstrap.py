import numpy as np
import pytest

from evals.bootstrap import cluster_ci95, median, ratio


def mean_of(values):
    return ratio(np.asarray(values, dtype=float), np.ones(len(values)))


def test_two_patients_are_two_facts_however_many_images_they_have():
    # 50 images of a patient where all is found, 50 of one where nothing is: a resample is all, half or nothing.
    clusters = ["a"] * 50 + ["b"] * 50
    assert cluster_ci95(clusters, mean_of([1.0] * 50 + [0.0] * 50), seed=1) == (0.0, 1.0)


def test_independent_images_give_a_narrow_interval():
    # The same values as above, a patient each: binomial, 0.5 -+ 1.96 * 0.05.
    low, high = cluster_ci95([str(i) for i in range(100)], mean_of([1.0] * 50 + [0.0] * 50), seed=1)
    assert (low, high) == pytest.approx((0.402, 0.598), abs=0.02)


def test_one_patient_has_no_interval():
    assert cluster_ci95(["a", "a"], mean_of([0.0, 1.0]), seed=1) is None


def test_same_seed_same_interval_other_seed_other_interval():
    clusters, values = [str(i) for i in range(40)], np.random.default_rng(0).normal(size=40)
    first = cluster_ci95(clusters, median(values), seed=7)
    assert first == cluster_ci95(clusters, median(values), seed=7)
    assert first != cluster_ci95(clusters, median(values), seed=8)


def test_resamples_that_measure_nothing_are_left_out():
    # Lesions only in patient a: resamples of b alone have no denominator.
    found = cluster_ci95(["a", "b"], ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0])), seed=1)
    assert found == (0.5, 0.5)


def test_nothing_measured_anywhere():
    assert cluster_ci95(["a", "b"], ratio(np.zeros(2), np.zeros(2)), seed=1) is None


def test_median_counts_how_often_an_item_was_drawn():
    # 1, 9, 9, 9: the middle two are 9
    assert median(np.array([1.0, 5.0, 9.0]))(np.array([1, 0, 3])) == 9.0
    assert median(np.array([1.0]))(np.array([0])) is None
