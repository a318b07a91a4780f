"""Sensitivity at a number of false boxes per image: one point of the free-response ROC curve.

Boxes are ranked by the model's own probability. The threshold for a target is the lowest one at which the mean number
of false boxes per image does not exceed it (equal scores enter together; no interpolation between points). When even
all boxes together stay under the target, it is the sensitivity as drafted. Source: Bunch PC et al., Proc SPIE
1977;127:124-135 (FROC); LUNA16 for reading the curve at fixed false positive rates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evals.bootstrap import Statistic

TARGETS = (0.25, 0.5, 1.0)


class FrocCurve:
    """The ranked boxes of all images, ready to be read at any false box rate and any resample of the images."""

    def __init__(self, outcomes: Sequence[Sequence[tuple[float, bool | None]]], lesions: Sequence[int]) -> None:
        """Rank the boxes.

        Args:
            outcomes: of each image, of each box, its score and whether it found a lesion (None: ignored, neither).
            lesions: of each image, how many lesions it has.
        """
        flat = [
            (score, found, image) for image, boxes in enumerate(outcomes) for score, found in boxes if found is not None
        ]
        flat.sort(key=lambda item: -item[0])
        scores = np.array([score for score, _, _ in flat], dtype=np.float64)
        self._found = np.array([found for _, found, _ in flat], dtype=np.float64)
        self._image = np.array([image for _, _, image in flat], dtype=np.intp)
        self._lesions = np.asarray(lesions, dtype=np.float64)
        last = np.append(scores[1:] != scores[:-1], True) if scores.size else np.array([], dtype=bool)
        self._ends: NDArray[np.intp] = np.flatnonzero(last)

    def sensitivity_at(self, target: float, *, times: NDArray[np.intp] | None = None) -> float | None:
        """Lesions found at no more than `target` false boxes per image; None when there is no lesion.

        Args:
            target: mean false boxes per image.
            times: how often each image was drawn, shape (images,); None for once each.
        """
        drawn = np.ones(self._lesions.size) if times is None else times.astype(np.float64)
        images, lesions = float(drawn.sum()), float(drawn @ self._lesions)
        if not lesions:
            return None
        weight = drawn[self._image]
        hits = np.cumsum(weight * self._found)[self._ends]
        false = np.cumsum(weight * (1 - self._found))[self._ends]
        allowed = np.flatnonzero(false <= target * images + 1e-9)
        return float(hits[allowed[-1]]) / lesions if allowed.size else 0.0

    def statistic(self, target: float) -> Statistic:
        """The sensitivity at a target as a statistic of the drawn images (the threshold is found anew each time)."""
        return lambda times: self.sensitivity_at(target, times=times)
