"""Areas under ROC curves of the same patients, their covariance and the paired test, after DeLong.

The midrank form of Sun and Xu (O(n log n)), which is exact with ties: a tied pair counts one half. Rows are taken as
independent: with several images of one patient use `evals.bootstrap` instead. Intervals are Wald's, cut to 0..1; where
the variance is zero (every pair in order, say) there is none to give.

Source: DeLong ER, DeLong DM, Clarke-Pearson DL, Biometrics 1988;44:837-845. Sun X, Xu W, IEEE Signal Processing Letters
2014;21:1389-1393. Not here: which scores are compared (`evals.fusion_lab`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata

from evals.rate import LEVEL, Figure

_Z = float(norm.ppf(0.5 + LEVEL / 2))
_ROUNDING = 1e-15  # variances are sums of squares of numbers in 0..1; less than this is rounding


class RocInputError(ValueError):
    """Scores and truth from which no area can be measured."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One area less another, on the same patients.

    Attributes:
        figure: the difference with its paired interval; no interval where the variance is zero.
        z: the difference in standard errors; None where the variance is zero and the areas differ.
        p: two-sided, None with it.
    """

    figure: Figure
    z: float | None
    p: float | None

    def as_dict(self) -> dict[str, object]:
        """value, ci95, n and the two-sided p of the paired test."""
        return {**self.figure.as_dict(), "p": self.p}


@dataclass(frozen=True, slots=True)
class Areas:
    """Areas of k scores of the same patients.

    Attributes:
        values: (k,) areas, each the chance that a positive outranks a negative.
        covariance: (k, k), as rows.
        positives, negatives: how many patients of each.
    """

    values: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    positives: int
    negatives: int

    @property
    def n(self) -> int:
        """All patients."""
        return self.positives + self.negatives

    def figure(self, index: int = 0) -> Figure:
        """One area with its interval."""
        return Figure(
            self.values[index],
            _interval(self.values[index], self.covariance[index][index], within=(0.0, 1.0)),
            self.n,
        )

    def difference(self, first: int, second: int) -> Difference:
        """Area `first` less area `second`, with the paired interval and test.

        >>> areas([[3, 2, 1, 0], [3, 1, 2, 0]], [1, 1, 0, 0]).difference(0, 0).p
        1.0
        """
        value = self.values[first] - self.values[second]
        cov = self.covariance
        variance = cov[first][first] + cov[second][second] - 2 * cov[first][second]
        figure = Figure(value, _interval(value, variance, within=(-1.0, 1.0)), self.n)
        if variance > _ROUNDING:
            z = value / math.sqrt(variance)
            return Difference(figure, z, float(2 * norm.sf(abs(z))))
        same = abs(value) <= _ROUNDING
        return Difference(figure, 0.0 if same else None, 1.0 if same else None)


def areas(scores: ArrayLike, truth: ArrayLike) -> Areas:
    """The areas of several scores and DeLong's covariance of them.

    Args:
        scores: (k, n), or (n,) for one; a higher score means "more likely positive".
        truth: (n,) of 0 and 1 (or booleans).

    Raises:
        RocInputError: not one finite score a patient, truth that is not 0 or 1, or patients of one class only.

    >>> areas([1, 2, 3, 4], [0, 1, 0, 1]).values
    (0.75,)
    """
    table, positive = _checked(scores, truth)
    over = _shares(table[:, positive], table[:, ~positive])  # of each positive, the negatives it outranks
    under = _shares(-table[:, ~positive], -table[:, positive])  # of each negative, the positives that outrank it
    covariance = _scatter(over) + _scatter(under)
    return Areas(
        tuple(float(value) for value in over.mean(axis=1)),
        tuple(tuple(float(entry) for entry in row) for row in covariance),
        int(positive.sum()),
        int((~positive).sum()),
    )


def _checked(scores: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    table = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    labels = np.asarray(truth)
    if labels.ndim != 1 or table.ndim != 2 or table.shape[1] != labels.size:
        msg = f"one score and one truth a patient: scores of shape {table.shape}, truth of shape {labels.shape}"
        raise RocInputError(msg)
    if not np.isfinite(table).all():
        msg = f"scores are finite: {int((~np.isfinite(table)).sum())} are not; leave these patients out of every score"
        raise RocInputError(msg)
    if not np.isin(labels, (0, 1)).all():
        msg = f"truth is 0 or 1: it has {np.unique(labels).size} values; say which of them is positive"
        raise RocInputError(msg)
    positive = labels.astype(bool)
    if positive.all() or not positive.any():
        msg = f"an area needs patients of both classes: {int(positive.sum())} of {positive.size} are positive"
        raise RocInputError(msg)
    return table, positive


def _shares(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each of ours, the share of theirs that lie below it, a tie counting one half: (k, ours)."""
    among_all = rankdata(np.concatenate([ours, theirs], axis=1), axis=1)[:, : ours.shape[1]]
    return np.asarray((among_all - rankdata(ours, axis=1)) / theirs.shape[1], dtype=np.float64)


def _scatter(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """The covariance of the mean of these shares, (k, k); nothing can be said of a single patient's spread: zero."""
    count = shares.shape[1]
    centred = shares - shares.mean(axis=1, keepdims=True)
    return np.asarray(centred @ centred.T / (max(count - 1, 1) * count), dtype=np.float64)


def _interval(value: float, variance: float, *, within: tuple[float, float]) -> tuple[float, float] | None:
    if variance <= _ROUNDING:
        return None
    reach = _Z * math.sqrt(variance)
    return (max(value - reach, within[0]), min(value + reach, within[1]))
