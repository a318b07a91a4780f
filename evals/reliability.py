"""Are probabilities worth what they say? Calibration error, Brier score, reliability table, risk against coverage.

The expected calibration error (ECE) has equal-mass bins: as many sentences in each, so that none is empty. Their number
is fixed before anything is looked at: one for each `PER_BIN` things, at least 2, at most `MOST_BINS`. With few things
even perfect probabilities have an ECE: `noise_floor` says which. Sources: Naeini MP et al., AAAI 2015 (ECE); Nixon J et
al., CVPR workshops 2019 (equal mass); Brier GW, Mon Weather Rev 1950;78:1-3; Geifman Y, El-Yaniv R, NeurIPS 2017 (risk
and coverage).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from evals.auc import Ranked
from evals.bootstrap import Statistic, cluster_ci95, ratio
from evals.rate import UNMEASURED, Figure

PER_BIN, MOST_BINS = 100, 10  # with 40 a bin even perfect probabilities have an ECE of 0.05
COVERAGES = tuple(round(0.1 * step, 1) for step in range(1, 11))
DRAWS = 200  # of labels, for the noise floor


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of the reliability table: n things, what was said of them on average, and how many were right."""

    n: int
    lowest: float
    highest: float
    said: float
    right: float


@dataclass(frozen=True, slots=True)
class RiskAt:
    """The share that is wrong among the surest `coverage` of all things."""

    coverage: float
    risk: float
    n: int


@dataclass(frozen=True, slots=True)
class Said:
    """Probabilities, and what came of them.

    Attributes:
        probabilities: that each thing is right.
        right: whether it is.
        patients: cluster of each thing.
    """

    probabilities: tuple[float, ...]
    right: tuple[bool, ...]
    patients: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse things without a probability, an outcome or a patient."""
        if not len(self.probabilities) == len(self.right) == len(self.patients):
            msg = f"one outcome and one patient a probability: {len(self.probabilities)}, {len(self.right)}"
            raise ValueError(msg)

    @property
    def bins(self) -> int:
        """How many equal-mass bins there are; 0 with fewer than two things.

        >>> Said((0.5,) * 100, (True,) * 100, ("p",) * 100).bins
        2
        """
        n = len(self.right)
        return 0 if n < 2 else min(max(n // PER_BIN, 2), MOST_BINS)

    def ece(self, *, seed: int) -> Figure:
        """The expected calibration error; the interval resamples patients, and sits high, since resamples add noise."""
        if not self.bins:
            return UNMEASURED
        p, y, bins = np.asarray(self.probabilities), np.asarray(self.right, dtype=np.float64), self.bins

        def statistic(times: NDArray[np.intp]) -> float | None:
            drawn = np.repeat(np.arange(p.size), times)
            return _ece(p[drawn], y[drawn], bins) if drawn.size >= bins else None

        return Figure(_ece(p, y, bins), cluster_ci95(self.patients, statistic, seed=seed), p.size)

    def noise_floor(self, *, seed: int) -> float | None:
        """The mean ECE that exactly these probabilities would have if they were perfectly calibrated."""
        if not self.bins:
            return None
        p, random = np.asarray(self.probabilities), np.random.default_rng(seed)
        drawn = [_ece(p, (random.random(p.size) < p).astype(np.float64), self.bins) for _ in range(DRAWS)]
        return float(np.mean(drawn))

    def brier(self, *, seed: int) -> Figure:
        """The mean squared distance between probability and outcome; 0.25 is a coin's."""
        squares = (np.asarray(self.probabilities) - np.asarray(self.right, dtype=np.float64)) ** 2
        return self._mean(squares, seed=seed)

    def share_right(self, *, seed: int) -> Figure:
        """How many are right at all."""
        return self._mean(np.asarray(self.right, dtype=np.float64), seed=seed)

    def auc(self, *, seed: int) -> Figure:
        """How well the probabilities tell right things from wrong ones."""
        return Ranked(self.right, ("",) * len(self.right), self.patients).area(self.probabilities, seed=seed)

    def table(self) -> tuple[Bin, ...]:
        """The reliability table, lowest probabilities first."""
        if not self.bins:
            return ()
        p, y = np.asarray(self.probabilities), np.asarray(self.right, dtype=np.float64)
        return tuple(
            Bin(part.size, float(p[part].min()), float(p[part].max()), float(p[part].mean()), float(y[part].mean()))
            for part in _parts(p, self.bins)
        )

    def risks(self) -> tuple[RiskAt, ...]:
        """The risk-coverage curve at tenths."""
        wrong = self._wrong_by_sureness()
        counts = [max(1, round(share * wrong.size)) for share in COVERAGES] if wrong.size else []
        return tuple(
            RiskAt(share, float(wrong[:count].mean()), count) for share, count in zip(COVERAGES, counts, strict=False)
        )

    def aurc(self) -> float | None:
        """The area under the whole risk-coverage curve: lower is better; without skill it is the share of wrong."""
        wrong = self._wrong_by_sureness()
        return float((np.cumsum(wrong) / np.arange(1, wrong.size + 1)).mean()) if wrong.size else None

    def as_dict(self, *, seed: int) -> dict[str, object]:
        """All of it."""
        return {
            "n": len(self.right),
            "right": self.share_right(seed=seed).as_dict(),
            "ece": {**self.ece(seed=seed).as_dict(), "bins": self.bins, "if_perfect": self.noise_floor(seed=seed)},
            "brier": self.brier(seed=seed).as_dict(),
            "auc": self.auc(seed=seed).as_dict(),
            "aurc": self.aurc(),
            "reliability": [asdict(one) for one in self.table()],
            "risk_coverage": [asdict(one) for one in self.risks()],
        }

    def _wrong_by_sureness(self) -> NDArray[np.float64]:
        order = np.argsort(-np.asarray(self.probabilities), kind="stable")
        return 1.0 - np.asarray(self.right, dtype=np.float64)[order]

    def _mean(self, values: NDArray[np.float64], *, seed: int) -> Figure:
        if not values.size:
            return UNMEASURED
        mean: Statistic = ratio(values, np.ones(values.size))
        return Figure(float(values.mean()), cluster_ci95(self.patients, mean, seed=seed), values.size)


def _parts(p: NDArray[np.float64], bins: int) -> list[NDArray[np.intp]]:
    """Indices of each bin; what is tied stands in the order of the cases, which knows no outcome."""
    return np.array_split(np.argsort(p, kind="stable"), bins)


def _ece(p: NDArray[np.float64], y: NDArray[np.float64], bins: int) -> float:
    gaps = [part.size * abs(float(p[part].mean()) - float(y[part].mean())) for part in _parts(p, bins)]
    return sum(gaps) / p.size


__all__ = ["Bin", "RiskAt", "Said"]
