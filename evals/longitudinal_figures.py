"""Paired differences of shares with intervals by patient: whole patients are drawn for both answers at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
    less = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    value = float(less.mean())
    return Figure(value, cluster_ci95(patients, ratio(less, np.ones(less.size)), seed=seed), less.size)
