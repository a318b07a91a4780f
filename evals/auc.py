"""The area under the ROC curve as the share of pairs ranked rightly, over all pairs or within strata only.

Within strata, a positive is only held against negatives of its own stratum (source and view of the image, say), and the
pairs of all strata are pooled: what tells strata apart then earns nothing. Intervals are bootstrapped over patients
(`evals.bootstrap`). Source: Hanley JA, McNeil BJ, Radiology 1982;143:29-36 (the area is the Mann-Whitney statistic);
Janes H, Pepe MS, Biometrika 2009;96:371-382 (the covariate-adjusted curve).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.bootstrap import Statistic, cluster_ci95
from evals.rate import UNMEASURED, Figure


@dataclass(frozen=True, slots=True)
class Ranked:
    """Images with a truth and a stratum each, ready to judge scores.

    Attributes:
        positive: of each image, whether the finding is there.
        strata: of each image; pairs are only made within one. Give one stratum to all for the ordinary area.
        patients: cluster of each image.
    """

    positive: tuple[bool, ...]
    strata: tuple[str, ...]
    patients: tuple[str, ...]

    @property
    def unstratified(self) -> Ranked:
        """The same images as one stratum."""
        return Ranked(self.positive, ("",) * len(self.positive), self.patients)

    @property
    def pairs(self) -> int:
        """How many pairs of a positive and a negative there are."""
        return int(self._comparable().sum())

    def area(self, scores: Sequence[float], *, seed: int) -> Figure:
        """The area under the curve of these scores; None where no pair can be made.

        Args:
            scores: one an image, higher for the finding.
            seed: of the bootstrap.
        """
        statistic = self._statistic(scores)
        return self._figure(statistic, seed=seed)

    def gain(self, scores: Sequence[float], others: Sequence[float], *, seed: int) -> Figure:
        """How much larger the area of `scores` is than that of `others`, on the same images, resampled together."""
        one, other = self._statistic(scores), self._statistic(others)

        def difference(times: NDArray[np.intp]) -> float | None:
            first, second = one(times), other(times)
            return None if first is None or second is None else first - second

        return self._figure(difference, seed=seed)

    def _figure(self, statistic: Statistic, *, seed: int) -> Figure:
        value = statistic(np.ones(len(self.positive), dtype=np.intp))
        if value is None:
            return UNMEASURED
        interval = cluster_ci95(self.patients, statistic, seed=seed)
        if interval is not None and interval[0] == interval[1]:
            interval = None  # all resamples agree, as they do for a perfect ranking of few: that is no interval
        return Figure(value, interval, len(self.positive))

    def _statistic(self, scores: Sequence[float]) -> Statistic:
        """Wins over pairs when each image counts as often as it was drawn; a tie is half a win."""
        values, positive = np.asarray(scores, dtype=np.float64), np.asarray(self.positive, dtype=bool)
        if values.shape != positive.shape or np.isnan(values).any():
            msg = f"one score an image, each a number: {values.size} scores, {positive.size} images"
            raise ValueError(msg)
        above = values[positive][:, None] - values[~positive][None, :]
        comparable = self._comparable()
        wins = comparable * ((above > 0) + 0.5 * (above == 0))

        def statistic(times: NDArray[np.intp]) -> float | None:
            there, absent = times[positive].astype(np.float64), times[~positive].astype(np.float64)
            pairs = float(there @ comparable @ absent)
            return float(there @ wins @ absent) / pairs if pairs else None

        return statistic

    def _comparable(self) -> NDArray[np.float64]:
        """1 for each (positive, negative) of one stratum, else 0."""
        positive, strata = np.asarray(self.positive, dtype=bool), np.asarray(self.strata, dtype=str)
        return np.asarray(strata[positive][:, None] == strata[~positive][None, :], dtype=np.float64)
