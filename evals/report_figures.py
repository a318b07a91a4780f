"""Precision, recall and F1 of claims with intervals by patient; what a claim is and whether it is right is not here.

F1 is the harmonic mean of precision and recall, whose two numerators differ: a drafted claim is right when the truth
bears it out, a true one is found when the draft does. Its n is both denominators together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.bootstrap import ratio
from evals.claim import Claim
from evals.clustered import clustered_proportion
from evals.rate import Figure


@dataclass(frozen=True, slots=True)
class Item:
    """A drafted or a true claim, judged by the other side.

    Attributes:
        right: borne out.
        same_change: one that bears it out states the same change.
        change_known: both sides know of a change, or of none.
        boxed: it shows boxes. spatial: those that bear it out show them there too.
    """

    claim: Claim
    right: bool
    same_change: bool
    change_known: bool
    boxed: bool
    spatial: bool


@dataclass(frozen=True, slots=True)
class Scored:
    """Precision, recall and F1 of one kind of claim."""

    precision: Figure
    recall: Figure
    f1: Figure

    def as_dict(self) -> dict[str, object]:
        """Each as value, ci95 and n."""
        return {"precision": self.precision.as_dict(), "recall": self.recall.as_dict(), "f1": self.f1.as_dict()}


def share(done: Sequence[Sequence[bool]], patients: Sequence[str], *, seed: int) -> Figure:
    """The share of things done, over images of patients.

    Args:
        done: of each image, its things.
        patients: of each image.
        seed: of the bootstrap.
    """
    kept = [(one, patient) for one, patient in zip(done, patients, strict=True) if one]
    hits, totals = _counts([one for one, _ in kept])
    names = [patient for _, patient in kept]
    return clustered_proportion(ratio(hits, totals), names, n=int(totals.sum()), seed=seed)


def score(
    drafted: Sequence[Sequence[bool]], true: Sequence[Sequence[bool]], patients: Sequence[str], *, seed: int
) -> Scored:
    """Precision over the drafted claims, recall over the true ones, and F1.

    Args:
        drafted: of each image, whether each drafted claim is right.
        true: of each image, whether each true claim is found.
        patients: of each image.
        seed: of the bootstrap.
    """
    return Scored(
        share(drafted, patients, seed=seed), share(true, patients, seed=seed), _f1(drafted, true, patients, seed=seed)
    )


def _f1(
    drafted: Sequence[Sequence[bool]], true: Sequence[Sequence[bool]], patients: Sequence[str], *, seed: int
) -> Figure:
    right, claimed = _counts(drafted)
    found, there = _counts(true)
    precision, recall = ratio(right, claimed), ratio(found, there)

    def statistic(times: NDArray[np.intp]) -> float | None:
        one, other = precision(times), recall(times)
        if one is None or other is None:
            return 0.0 if other == 0.0 else None  # nothing claimed and nothing found of what is there
        return 2 * one * other / (one + other) if one + other else 0.0

    return clustered_proportion(statistic, patients, n=int(claimed.sum() + there.sum()), seed=seed)


def _counts(done: Sequence[Sequence[bool]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    hits = np.array([sum(one) for one in done], dtype=np.float64)
    return hits, np.array([len(one) for one in done], dtype=np.float64)
