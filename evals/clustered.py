"""Proportions of things that share patients: the value, with an interval from whole patients.

Where all or none succeeded every resample agrees, so the interval is then Wilson's over patients.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evals.bootstrap import Statistic, cluster_ci95, ratio
from evals.rate import UNMEASURED, Figure, Rate


def clustered_share(done: Sequence[bool], patients: Sequence[str], *, seed: int) -> Figure:
    """The share of `done`, with an interval over patients; unmeasured where there is nothing.

    >>> clustered_share([True, True], ["a", "b"], seed=0).value, clustered_share([], [], seed=0).value
    (1.0, None)
    """
    values = np.asarray(done, dtype=np.float64)
    return clustered_proportion(ratio(values, np.ones(values.size)), patients, n=values.size, seed=seed)


def clustered_proportion(statistic: Statistic, patients: Sequence[str], *, n: int, seed: int) -> Figure:
    """A proportion of any form (precision, F1, ...), from how often each item was drawn.

    Args:
        statistic: of how often each item was drawn; None where it measures nothing.
        patients: cluster of each item.
        n: the proportion's own denominator.
        seed: of the bootstrap.
    """
    value = statistic(np.ones(len(patients), dtype=np.intp)) if n and patients else None
    if value is None:
        return UNMEASURED
    if value in (0.0, 1.0):
        clusters = len(set(patients))
        return Figure(value, Rate(int(value) * clusters, clusters).ci95, n)
    return Figure(value, cluster_ci95(patients, statistic, seed=seed), n)
