"""How unlike a set of examples a new one is: Mahalanobis' distance under a covariance of few directions and a rest.

The covariance is that of probabilistic principal components: the leading directions with their own variances, and one
variance for all that is left, so that it can be inverted however few the examples are. Features are brought to the
examples' own scale first. Pure arithmetic; what the features are of is not its question.

Source: Tipping ME, Bishop CM, J R Stat Soc B 61 (1999) 611; Lee K et al., NeurIPS 2018 (arXiv:1807.03888).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]
EPSILON: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Typical:
    """What a set of examples is like.

    Attributes:
        mean, scale: of each feature, (d,).
        directions: orthonormal rows, (k, d), in scaled features.
        variances: along them, (k,).
        rest: variance along every other direction.
        threshold: the distance that marks an example as unlike the set.
    """

    mean: Features
    scale: Features
    directions: Features
    variances: Features
    rest: float
    threshold: float = 1.0

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other, or numbers that measure nothing."""
        count, width = self.directions.shape if self.directions.ndim == 2 else (-1, -1)
        fits = self.mean.shape == self.scale.shape == (width,) and self.variances.shape == (count,)
        numbers = (self.mean, self.scale, self.directions, self.variances)
        finite = all(bool(np.isfinite(array).all()) for array in numbers)
        positive = fits and finite and min(self.scale.min(), self.variances.min(), self.rest, self.threshold) > 0
        if not positive:
            msg = "statistics of typical examples fit each other, are finite, and have positive scales: fit them again"
            raise ValueError(msg)

    def distance(self, features: Features) -> float:
        """Root mean square of the standardized deviation; about 1 for an example of the set.

        Raises:
            ValueError: not as many features as the examples had.
        """
        if features.shape != self.mean.shape:
            msg = f"the statistics are of {self.mean.size} features, not {features.size}: fit them for this model"
            raise ValueError(msg)
        deviation = (features.astype(np.float64) - self.mean) / self.scale
        along = self.directions.astype(np.float64) @ deviation
        left = max(0.0, float(deviation @ deviation - along @ along))
        squared = float((along**2 / self.variances).sum()) + left / self.rest
        return float(np.sqrt(squared / features.size))

    def unlikeness(self, features: Features) -> float:
        """The distance in units of the threshold: 1 or more is unlike."""
        return self.distance(features) / self.threshold


def fitted(examples: NDArray[np.float32], *, directions: int) -> Typical:
    """The statistics of examples, without a threshold.

    Args:
        examples: (n, d), n at least 3.
        directions: how many have a variance of their own; fewer where the examples span fewer.

    Raises:
        ValueError: fewer than three examples.
    """
    if examples.ndim != 2 or len(examples) < 3:
        msg = f"what is typical is learnt from three examples at least, not {len(examples)}"
        raise ValueError(msg)
    data = examples.astype(np.float64)
    mean, scale = data.mean(axis=0), data.std(axis=0)
    scale = np.where(scale > EPSILON, scale, max(EPSILON, float(scale.mean())))
    _, lengths, rows = np.linalg.svd((data - mean) / scale, full_matrices=False)
    variances = lengths**2 / (len(data) - 1)
    count = max(1, min(directions, len(data) - 2, data.shape[1] - 1))
    rest = float(variances[count:].sum() / (data.shape[1] - count))
    return Typical(
        mean.astype(np.float32),
        scale.astype(np.float32),
        directions=rows[:count].astype(np.float32),
        variances=np.maximum(variances[:count], EPSILON).astype(np.float32),
        rest=max(rest, EPSILON),
    )


def threshold_of(distances: NDArray[np.float64], *, share: float) -> float:
    """The lowest threshold that no more than that share of these distances reach, of a set kept out of the fit.

    >>> bool(3.0 < threshold_of(np.array([1.0, 2.0, 3.0, 4.0]), share=0.25) < 3.1)
    True
    """
    ordered = np.sort(distances)[::-1]
    below = ordered[min(int(np.floor(share * len(ordered))), len(ordered) - 1)]  # the largest that stays under it
    return float(below) * (1 + EPSILON)  # as much above it as a file's float32 can tell
