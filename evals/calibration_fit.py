"""Fitting curves and choosing among methods, on one half of the patients only.

Two kinds of curve: Platt scaling with its smoothed targets (Platt JC, 1999; Lin HT et al., Mach Learn 2007;68:267-276),
its slope never negative; and centred isotonic regression (Oron AP, Flournoy N, Stat Biopharm Res 2017;9:258-267),
smoothed so that it stays off 0 and 1. There is one curve for each kind of stand (finding and polarity), since "no
nodule" and "nodule on the left" have scores of different scales. A kind with fewer than `FEWEST` sentences has none: it
is not calibrated.

The method and the curve are chosen by cross-validated Brier scores within the half, whole patients held out: the
cheapest whose mean excess over the best is within one standard error (Breiman L et al., 1984, section 3.4.3).
The conformal threshold comes from patients that the curves were not fitted on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from evals.calibration_cases import Judged
from grounding.confidence import MOST_LOG_ODDS, Calibrator, ConformalRule, Knot, conformal_rule
from vlm.raw_scores import Method

FEWEST = 20  # sentences of a kind
FOLDS = 5
FOR_CURVES = 0.6  # of the patients; the others set the conformal threshold
CANDIDATES = (Method.SEQUENCE, Method.YES_NO, Method.YES_NO_BOX, Method.SAMPLES)  # cheap first; BOX leaves out absence


class Curve(StrEnum):
    """How scores become probabilities; the simpler first."""

    PLATT = "platt"
    ISOTONIC = "isotonic"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A method with a kind of curve, and what cross-validation within the fit half says of it.

    Attributes:
        brier: mean over sentences of held-out patients; None where the method cannot score all sentences.
        excess_se: standard error, over patients, of its excess over the best; None with `brier`.
    """

    method: Method
    curve: Curve
    brier: float | None
    excess_se: float | None = None


Curves = dict[str, Calibrator]


def fit_curves(judged: Sequence[Judged], *, method: Method, curve: Curve) -> Curves:
    """One curve for each kind of stand that has enough sentences with a score."""
    kinds = sorted({one.kind for one in judged})
    found: Curves = {}
    for kind in kinds:
        own = [(score, one.right) for one in judged if one.kind == kind and (score := one.score(method)) is not None]
        if len(own) >= FEWEST:
            scores = np.array([score for score, _ in own])
            right = np.array([float(is_right) for _, is_right in own])
            found[kind] = platt(scores, right) if curve is Curve.PLATT else isotonic(scores, right)
    return found


def platt(scores: NDArray[np.float64], right: NDArray[np.float64]) -> Calibrator:
    """Two numbers: log-odds = slope * score + intercept, from the smallest score seen to the largest."""
    from scipy.optimize import minimize

    centre, scale = float(scores.mean()), float(scores.std()) or 1.0
    z = (scores - centre) / scale
    n_right, n_wrong = float(right.sum()), float(right.size - right.sum())
    targets = np.where(right > 0, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))

    def loss(numbers: NDArray[np.float64]) -> float:
        log_odds = numbers[0] * z + numbers[1]
        return float((np.logaddexp(0.0, log_odds) - targets * log_odds).mean())

    slope, intercept = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=[(0, None), (None, None)]).x
    ends = sorted({float(scores.min()), float(scores.max())})
    return Calibrator(tuple(Knot(end, _bounded(slope * (end - centre) / scale + intercept)) for end in ends))


def isotonic(scores: NDArray[np.float64], right: NDArray[np.float64]) -> Calibrator:
    """A rising table: one knot for each level of isotonic regression, at the mean of its scores.

    A level's share is smoothed by one more sentence of the overall share, so that few right ones are no certainty.
    """
    from sklearn.isotonic import IsotonicRegression

    levels = np.unique(IsotonicRegression().fit_transform(scores, right), return_inverse=True)[1]
    counts, rights = np.bincount(levels), np.bincount(levels, weights=right)
    overall = (right.sum() + 1) / (right.size + 2)
    p = np.maximum.accumulate((rights + overall) / (counts + 1))
    log_odds = np.log(p / (1 - p)).tolist()
    centres = (np.bincount(levels, weights=scores) / counts).tolist()
    return Calibrator(tuple(Knot(raw, _bounded(odds)) for raw, odds in zip(centres, log_odds, strict=True)))


def probabilities(judged: Iterable[Judged], curves: Mapping[str, Calibrator], *, method: Method) -> list[float | None]:
    """The calibrated probability of each sentence; None where no curve or no score covers it."""
    return [
        None if (score := one.score(method)) is None or one.kind not in curves else curves[one.kind].probability(score)
        for one in judged
    ]


def candidates(judged: Sequence[Judged], *, seed: int) -> tuple[Candidate, ...]:
    """Every method with every curve, by cross-validation over the patients of the fit half."""
    squares = {
        (method, curve): _held_out(judged, method=method, curve=curve, seed=seed)
        for method in CANDIDATES
        for curve in Curve
    }
    known = {key: values for key, values in squares.items() if values is not None}
    if not known:
        return tuple(Candidate(method, curve, None) for method, curve in squares)
    best = min(known.values(), key=lambda values: float(values.mean()))
    patients = [one.patient for one in judged]
    return tuple(
        Candidate(*key, None) if values is None else Candidate(*key, float(values.mean()), _se(values - best, patients))
        for key, values in squares.items()
    )


def chosen(found: Sequence[Candidate]) -> Candidate | None:
    """The first candidate, in their order, within one standard error of the best; None where none could score all."""
    scored = [one for one in found if one.brier is not None]
    if not scored:
        return None
    best = min(one.brier for one in scored if one.brier is not None)
    return next(one for one in scored if (one.brier or 0.0) - best <= (one.excess_se or 0.0))


def rule_of(
    judged: Sequence[Judged], curves: Mapping[str, Calibrator], *, method: Method, alpha: float
) -> ConformalRule:
    """The conformal rule from patients that the curves were not fitted on."""
    worst: dict[str, dict[str, float | None]] = {}
    for one, p in zip(judged, probabilities(judged, curves, method=method), strict=True):
        drafts = worst.setdefault(one.patient, {})
        before = drafts.setdefault(one.draft, None)
        if not one.right and p is not None:
            drafts[one.draft] = max(p, before or 0.0)
    return conformal_rule([tuple(drafts.values()) for drafts in worst.values()], alpha=alpha)


def parted(judged: Sequence[Judged], share: float, *, seed: int) -> tuple[tuple[Judged, ...], tuple[Judged, ...]]:
    """Two parts, whole patients in each: about that share of the patients in the first."""
    patients = sorted({one.patient for one in judged})
    order = np.random.default_rng(seed).permutation(len(patients))
    first = {patients[index] for index in order[: round(share * len(patients))]}
    return tuple(one for one in judged if one.patient in first), tuple(o for o in judged if o.patient not in first)


def _held_out(judged: Sequence[Judged], *, method: Method, curve: Curve, seed: int) -> NDArray[np.float64] | None:
    """Squared distances of sentences of held-out patients; None where one has no score or no fold a curve for it."""
    if any(one.score(method) is None for one in judged) or not judged:
        return None
    patients = sorted({one.patient for one in judged})
    fold = dict(zip(patients, np.random.default_rng(seed).permutation(len(patients)) % FOLDS, strict=True))
    squares = np.empty(len(judged))
    for number in range(FOLDS):
        curves = fit_curves([o for o in judged if fold[o.patient] != number], method=method, curve=curve)
        for index, one in enumerate(judged):
            if fold[one.patient] == number:
                (p,) = probabilities([one], curves, method=method)
                squares[index] = ((0.5 if p is None else p) - one.right) ** 2  # without a curve nothing is known
    return squares


def _se(values: NDArray[np.float64], patients: Sequence[str]) -> float:
    """Standard error of a mean over sentences, with patients as clusters."""
    names, membership = np.unique(np.asarray(patients), return_inverse=True)
    if names.size < 2:
        return 0.0
    sums = np.bincount(membership, weights=values - values.mean())
    return float(np.sqrt(names.size / (names.size - 1) * (sums**2).sum()) / values.size)


def _bounded(log_odds: float) -> float:
    return float(np.clip(log_odds, -MOST_LOG_ODDS, MOST_LOG_ODDS))
