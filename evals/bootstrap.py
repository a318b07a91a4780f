"""The cluster bootstrap: whole patients are drawn with replacement, since two images of one patient are not two facts.

The percentile interval over resamples of clusters. Source: Davison AC, Hinkley DV, Bootstrap Methods and their
Application, 1997, section 3.8; LUNA16 resamples whole scans in the same way. Not here: what is being measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000  # LUNA16's number; the interval's ends are then good to about one percentile

Statistic = Callable[[NDArray[np.intp]], float | None]


def cluster_ci95(
    clusters: Sequence[str], statistic: Statistic, *, seed: int, resamples: int = RESAMPLES
) -> tuple[float, float] | None:
    """The 95 % percentile interval of a statistic when whole clusters are resampled.

    Args:
        clusters: of each item, the cluster (patient) it belongs to.
        statistic: takes how often each item was drawn, shape (items,), and returns a value, or None where it
            measures nothing (such a resample is left out).
        seed: of the resampling; the same seed gives the same interval.
        resamples: how many.

    Returns:
        (low, high), or None with fewer than two clusters, or where no resample measured anything.
    """
    names, membership = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    if names.size < 2:
        return None
    random = np.random.default_rng(seed)
    draws = random.multinomial(names.size, np.full(names.size, 1.0 / names.size), size=resamples)
    values = [value for draw in draws if (value := statistic(draw[membership].astype(np.intp))) is not None]
    if not values:
        return None
    low, high = np.quantile(np.asarray(values, dtype=np.float64), [0.025, 0.975])
    return (float(low), float(high))


def ratio(numerators: NDArray[np.float64], denominators: NDArray[np.float64]) -> Statistic:
    """The statistic sum(numerators) / sum(denominators) over the drawn items."""

    def statistic(times: NDArray[np.intp]) -> float | None:
        below = float(times @ denominators)
        return float(times @ numerators) / below if below else None

    return statistic


def median(values: NDArray[np.float64]) -> Statistic:
    """The median over the drawn items."""

    def statistic(times: NDArray[np.intp]) -> float | None:
        drawn = np.repeat(values, times)
        return float(np.median(drawn)) if drawn.size else None

    return statistic
