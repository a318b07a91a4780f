"""The figures of judged answers, and their paired differences: whole patients are drawn for both answers at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.bootstrap import Statistic, cluster_ci95, ratio
from evals.rate import UNMEASURED, Figure, Rate


@dataclass(frozen=True, slots=True)
class Judgement:
    """One answer against the truth.

    Attributes:
        patient: cluster for the intervals.
        present: whether a lesion is there.
        stated: whether the answer says so.
        score: None where the answer has none.
        change_right: whether the stated change is the true one; None where it is not judged.
        found, false, missed: findings (a lesion on a side) that answer and truth share, or that one has alone.
    """

    patient: str
    present: bool
    stated: bool
    score: float | None
    change_right: bool | None
    found: int
    false: int
    missed: int


Counted = NDArray[np.bool_]  # of each judgement, whether the figure counts it
Measure = Callable[[Sequence[Judgement]], tuple[Statistic, Counted]]


def figures(judged: Sequence[Judgement], *, seed: int) -> dict[str, Figure]:
    """The four figures of one arm; unmeasured where nothing could be judged.

    Where a share is 0 or 1 every resample agrees, so its interval is Wilson's over patients; an area has none there.
    """
    told: dict[str, Figure] = {}
    for name, measure in MEASURES:
        statistic, counted = measure(judged)
        found = _figure(judged, statistic, int(counted.sum()), seed=seed)
        if found.value in (0.0, 1.0):
            clusters = len({one.patient for one, counts in zip(judged, counted, strict=True) if counts})
            interval = None if name == AREA else Rate(int(found.value) * clusters, clusters).ci95
            found = Figure(found.value, interval, found.n)
        told[name] = found
    return told


def differences(first: Sequence[Judgement], second: Sequence[Judgement], *, seed: int) -> dict[str, Figure]:
    """First less second on the same cases, each resample drawn for both.

    Raises:
        ValueError: the answers are not about the same patients in the same order.
    """
    if [one.patient for one in first] != [one.patient for one in second]:
        msg = f"a paired difference is between answers about the same cases: {len(first)} and {len(second)} differ"
        raise ValueError(msg)
    told: dict[str, Figure] = {}
    for name, measure in MEASURES:
        (one, counted), (other, same) = measure(first), measure(second)
        told[name] = _figure(first, _less(one, other), int((counted & same).sum()), seed=seed)
    return told


def helps(difference: Figure) -> str:
    """What a paired difference (with context less without) shows.

    >>> helps(Figure(0.05, (0.01, 0.09), 100)), helps(Figure(0.05, (-0.01, 0.11), 100)), helps(UNMEASURED)
    ('helps', 'not shown', 'not measured')
    """
    if difference.value is None:
        return "not measured"
    if difference.ci95 is None or difference.ci95[0] <= 0.0 <= difference.ci95[1]:
        return "not shown"
    return "helps" if difference.value > 0 else "harms"


def _figure(judged: Sequence[Judgement], statistic: Statistic, n: int, *, seed: int) -> Figure:
    value = statistic(np.ones(len(judged), dtype=np.intp)) if n else None
    if value is None:
        return UNMEASURED
    return Figure(value, cluster_ci95([one.patient for one in judged], statistic, seed=seed), n)


def _less(one: Statistic, other: Statistic) -> Statistic:
    def statistic(times: NDArray[np.intp]) -> float | None:
        first, second = one(times), other(times)
        return None if first is None or second is None else first - second

    return statistic


def _area(judged: Sequence[Judgement]) -> tuple[Statistic, Counted]:
    """The area under the ROC curve over the drawn patients, a tie counting one half; none where a score is missing."""
    if not judged or any(one.score is None for one in judged):
        return (lambda _: None), np.zeros(len(judged), dtype=bool)
    scores = np.array([one.score for one in judged], dtype=np.float64)
    positive = np.array([one.present for one in judged])
    over = scores[positive][:, None] - scores[~positive][None, :]
    wins = (over > 0) + 0.5 * (over == 0)

    def statistic(times: NDArray[np.intp]) -> float | None:
        lit, dark = times[positive].astype(np.float64), times[~positive].astype(np.float64)
        pairs = float(lit.sum() * dark.sum())
        return float(lit @ wins @ dark) / pairs if pairs else None

    return statistic, np.ones(len(judged), dtype=bool)


def _accuracy(judged: Sequence[Judgement]) -> tuple[Statistic, Counted]:
    right = np.array([one.stated == one.present for one in judged], dtype=np.float64)
    return ratio(right, np.ones(right.size)), np.ones(right.size, dtype=bool)


def _change(judged: Sequence[Judgement]) -> tuple[Statistic, Counted]:
    right = np.array([bool(one.change_right) for one in judged], dtype=np.float64)
    asked = np.array([one.change_right is not None for one in judged], dtype=bool)
    return ratio(right, asked.astype(np.float64)), asked


def _f1(judged: Sequence[Judgement]) -> tuple[Statistic, Counted]:
    """2 found / (2 found + false + missed), over all findings of the drawn cases."""
    found = np.array([2 * one.found for one in judged], dtype=np.float64)
    off = np.array([one.false + one.missed for one in judged], dtype=np.float64)
    return ratio(found, found + off), np.ones(len(judged), dtype=bool)


AREA = "auc"
MEASURES: tuple[tuple[str, Measure], ...] = (
    (AREA, _area),
    ("accuracy", _accuracy),
    ("change", _change),
    ("finding_f1", _f1),
)
