"""Means and paired differences with intervals by patient: whole patients are drawn, for both answers at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evals.bootstrap import cluster_ci95, ratio
from evals.rate import UNMEASURED, Figure


def paired_difference(first: Sequence[bool], second: Sequence[bool], patients: Sequence[str], *, seed: int) -> Figure:
    """Share of the first less share of the second, of the same things in the same order.

    Args:
        first: done or not, of each thing.
        second: the same things, done otherwise.
        patients: of each thing.
        seed: of the bootstrap.

    Raises:
        ValueError: they are not about the same number of things.

    >>> paired_difference([True, True], [True, False], ["a", "b"], seed=0).value
    0.5
    """
    if not len(first) == len(second) == len(patients):
        msg = f"a paired difference is about the same things: {len(first)}, {len(second)} and {len(patients)} differ"
        raise ValueError(msg)
    if not first:
        return UNMEASURED
    return mean_of(np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64), patients, seed=seed)


def mean_of(values: Sequence[float] | NDArray[np.float64], patients: Sequence[str], *, seed: int) -> Figure:
    """The mean of at least one value, with an interval by patient.

    >>> mean_of([0.25, 0.75], ["a", "a"], seed=0)
    Figure(value=0.5, ci95=None, n=2)
    """
    numbers = np.asarray(values, dtype=np.float64)
    ci95 = cluster_ci95(patients, ratio(numbers, np.ones(numbers.size)), seed=seed)
    return Figure(float(numbers.mean()), ci95, numbers.size)
