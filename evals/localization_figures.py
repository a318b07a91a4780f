"""The figures of a set of outcomes: sensitivity at false box rates, as drafted, and deviation, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evals.bootstrap import Statistic, cluster_ci95, median, ratio
from evals.froc import TARGETS, FrocCurve
from evals.outcome import Outcome
from evals.rate import UNMEASURED, Figure, Rate


@dataclass(frozen=True, slots=True)
class Localized:
    """Figures of one set of images.

    Attributes:
        n_images, n_lesions: what was judged.
        sensitivity_at: (false boxes per image, figure over lesions); unmeasured where the model scores no boxes.
        sensitivity: as drafted, over lesions.
        false_boxes_per_image: as drafted, over images.
        deviation_mean, deviation_median: in pixels of a 1024 px side, over lesions.
    """

    n_images: int
    n_lesions: int
    sensitivity_at: tuple[tuple[float, Figure], ...]
    sensitivity: Figure
    false_boxes_per_image: Figure
    deviation_mean: Figure
    deviation_median: Figure

    def sensitivity_at_dict(self) -> dict[str, object]:
        """Keys "0.25", "0.5", "1.0"."""
        return {str(target): figure.as_dict() for target, figure in self.sensitivity_at}

    def as_drafted_dict(self) -> dict[str, object]:
        """Keys sensitivity, false_boxes_per_image, deviation_px_1024."""
        return {
            "sensitivity": self.sensitivity.as_dict(),
            "false_boxes_per_image": self.false_boxes_per_image.as_dict(),
            "deviation_px_1024": {
                "mean": self.deviation_mean.as_dict(),
                "median": self.deviation_median.as_dict(),
            },
        }

    def as_dict(self) -> dict[str, object]:
        """Both of the above; the as-drafted keys stand at the top as well, and once more under `as_drafted`."""
        drafted = self.as_drafted_dict()
        return {
            "n_images": self.n_images,
            "n_lesions": self.n_lesions,
            "sensitivity_at": self.sensitivity_at_dict(),
            "as_drafted": drafted,
            **drafted,
        }


@dataclass(frozen=True, slots=True)
class _Counted:
    """One outcome, counted for one tier (or all): box outcomes are (score, found; None where ignored)."""

    patient: str
    found: tuple[bool, ...]
    deviations: tuple[float, ...]
    boxes: tuple[tuple[float, bool | None], ...]
    scored: bool


def localized(outcomes: Sequence[Outcome], *, seed: int, tier: str | None = None) -> Localized:
    """The figures of these outcomes.

    Args:
        outcomes: drafted images.
        seed: of the bootstrap.
        tier: judge only lesions of this tier, on the images that have one; a box that found a lesion of another tier
            is then neither found nor false. None judges all images and lesions.
    """
    chosen = [o for o in outcomes if tier is None or any(lesion.tier == tier for lesion in o.lesions)]
    counted = [_count(outcome, tier) for outcome in chosen]
    return Localized(
        n_images=len(counted),
        n_lesions=sum(len(item.found) for item in counted),
        sensitivity_at=_sensitivity_at(counted, seed=seed),
        sensitivity=_sensitivity(counted, seed=seed),
        false_boxes_per_image=_false_boxes(counted, seed=seed),
        deviation_mean=_deviation(counted, seed=seed, middle="mean"),
        deviation_median=_deviation(counted, seed=seed, middle="median"),
    )


def _count(outcome: Outcome, tier: str | None) -> _Counted:
    matched = outcome.match
    judged = [index for index, lesion in enumerate(outcome.lesions) if tier is None or lesion.tier == tier]
    scores = outcome.scores if outcome.scores is not None else (0.0,) * len(outcome.points)
    boxes = tuple(
        (score, None if lesion is not None and lesion not in judged else lesion is not None)
        for score, lesion in zip(scores, matched.finds, strict=True)
    )
    deviations = outcome.deviations_px_1024
    return _Counted(
        patient=outcome.patient,
        found=tuple(matched.found_by[index] is not None for index in judged),
        deviations=tuple(deviations[index] for index in judged),
        boxes=boxes,
        scored=outcome.scores is not None,
    )


def _sensitivity_at(counted: Sequence[_Counted], *, seed: int) -> tuple[tuple[float, Figure], ...]:
    if not all(item.scored for item in counted):
        return tuple((target, UNMEASURED) for target in TARGETS)
    curve = FrocCurve([item.boxes for item in counted], [len(item.found) for item in counted])
    lesions = sum(len(item.found) for item in counted)
    return tuple((target, _proportion(counted, curve.statistic(target), n=lesions, seed=seed)) for target in TARGETS)


def _sensitivity(counted: Sequence[_Counted], *, seed: int) -> Figure:
    hits = np.array([sum(item.found) for item in counted], dtype=np.float64)
    lesions = np.array([len(item.found) for item in counted], dtype=np.float64)
    return _proportion(counted, ratio(hits, lesions), n=int(lesions.sum()), seed=seed)


def _proportion(counted: Sequence[_Counted], statistic: Statistic, *, n: int, seed: int) -> Figure:
    """A proportion; where it is 0 or 1 every resample agrees, so the interval is Wilson's over patients instead."""
    patients = [item.patient for item in counted]
    value = statistic(np.ones(len(counted), dtype=np.intp)) if n else None
    if value is None:
        return UNMEASURED
    if value in (0.0, 1.0):
        clusters = len({item.patient for item in counted if item.found})
        return Figure(value, Rate(int(value) * clusters, clusters).ci95, n)
    return Figure(value, cluster_ci95(patients, statistic, seed=seed), n)


def _false_boxes(counted: Sequence[_Counted], *, seed: int) -> Figure:
    if not counted:
        return UNMEASURED
    false = np.array([sum(found is False for _, found in item.boxes) for item in counted], dtype=np.float64)
    statistic = ratio(false, np.ones(len(counted)))
    interval = cluster_ci95([item.patient for item in counted], statistic, seed=seed)
    return Figure(float(false.mean()), interval, len(counted))


def _deviation(counted: Sequence[_Counted], *, seed: int, middle: str) -> Figure:
    pairs = [(item.patient, deviation) for item in counted for deviation in item.deviations]
    if not pairs:
        return UNMEASURED
    values = np.array([deviation for _, deviation in pairs], dtype=np.float64)
    statistic = median(values) if middle == "median" else ratio(values, np.ones(values.size))
    interval = cluster_ci95([patient for patient, _ in pairs], statistic, seed=seed)
    return Figure(statistic(np.ones(values.size, dtype=np.intp)), interval, len(pairs))
