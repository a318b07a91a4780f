"""How sure a sentence is: a raw score, what it is worth as a probability, and whether the sentence needs a look.

Pure maths. A `Calibrator` is a frozen table that turns a raw score into the probability that the sentence is right
(finding, polarity and side; its box, where it shows one). A `ConformalRule` puts sentences into ACCEPT or REVIEW.
Not here: how scores are made (`vlm.confidence`), how tables are fitted (`evals.calibration_fit`), what was missing.

What the rule guarantees, and what it does not. The unit is the patient: for a new patient from the same source as
those the rule was made on (exchangeable with them), the expected share of drafts that hold a wrong sentence in ACCEPT
is at most alpha, averaged over the draw of the calibration patients too (marginally). It is no promise about one
patient, one finding, one site with other patients, or the share of wrong ones among accepted sentences. It is conformal
risk control of the loss "share of the patient's drafts with an accepted wrong sentence", which only falls as the rule
becomes stricter; with one draft a patient it is split conformal prediction with its finite-sample quantile. Sources:
Angelopoulos AN et al., Conformal Risk Control, ICLR 2024; Papadopoulos H et al., Inductive Confidence Machines, ECML
2002; Lei J et al., J Am Stat Assoc 2018;113:1094-1111.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

WIDENING: Final = 1.0  # nats that each missing input takes from a stand's log-odds; see `overread eval calibration`
SIMULATED_ONLY: Final = "calibrated on simulated lesions; not valid for your patients until calibrated on your site"
SITE_ONLY: Final = "calibrated on reviewed cases of this site"
SITE_ID: Final = "site-"  # how the ids of a site's own calibrations begin

# Lower bounds of each word: the likelihood scale of the IPCC's guidance note on uncertainty (Mastrandrea et al., 2010).
WORDS: Final = ((0.90, "very likely"), (0.66, "likely"), (0.33, "possible"), (0.0, "unlikely"))

ACCEPT_NOTHING: Final = 1.0  # a threshold that no probability is above
ACCEPT_ALL: Final = 0.0  # one that every calibrated probability is above
MOST_LOG_ODDS: Final = 16.0  # one wrong in nine million: no fit has seen that many, and beyond it lies certainty


class ConfidenceSet(StrEnum):
    """Where a sentence stands: nobody is asked to look again, or somebody is."""

    ACCEPT = "accept"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure one drafted sentence is.

    Attributes:
        raw: the method's own score; larger is surer, the unit is the method's.
        method: how it was made (`vlm.confidence.Method`).
        calibrated: probability that the sentence is right, in (0, 1); None where no calibrator covers it.
        calibrator_id: of what made it a probability, None with it.
        needs: ACCEPT or REVIEW by the conformal rule and by what is missing; None where nothing was calibrated at all.
        missing: names of inputs that the sentence leans on and that the draft did not have. Then the score is no
            signal about the patient alone, and `needs` is REVIEW whatever the probability.
    """

    raw: float
    method: str
    calibrated: float | None
    calibrator_id: str | None
    needs: ConfidenceSet | None
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse numbers that are none, a probability without its source, and an ACCEPT that nothing bears out."""
        if not math.isfinite(self.raw):
            msg = f"a raw score is finite; what was not measured has no confidence: {self.raw}"
            raise ValueError(msg)
        if (self.calibrated is None) != (self.calibrator_id is None):
            msg = f"a calibrated probability names its calibrator, and only it: {self.calibrated}, {self.calibrator_id}"
            raise ValueError(msg)
        if self.calibrated is not None and not 0.0 < self.calibrated < 1.0:
            msg = f"a calibrated probability is between 0 and 1 and never certain: {self.calibrated}"
            raise ValueError(msg)
        if self.needs is ConfidenceSet.ACCEPT and (self.calibrated is None or self.missing):
            msg = f"ACCEPT needs a calibrated probability and nothing missing: {self.calibrated}, {self.missing}"
            raise ValueError(msg)

    @property
    def word(self) -> str | None:
        """The probability as a word; None where there is none."""
        return None if self.calibrated is None else confidence_word(self.calibrated)

    @property
    def calibrated_on(self) -> str | None:
        """What must stand wherever the probability or its word is shown; None where there is none.

        >>> Confidence(1.0, "yes_no", 0.8, "yes_no-1f", None).calibrated_on == SIMULATED_ONLY
        True
        """
        if self.calibrator_id is None:
            return None
        return SITE_ONLY if self.calibrator_id.startswith(SITE_ID) else SIMULATED_ONLY


def widened(log_odds: float, *, missing: int) -> float:
    """A stand's log-odds as they count where inputs are missing: so much less for each.

    A model that is given less often sounds surer, as nothing speaks against it: that is no reason to believe it more.

    >>> widened(2.0, missing=0), widened(2.0, missing=1), widened(-2.0, missing=2)
    (2.0, 1.0, -4.0)
    """
    return log_odds - WIDENING * missing


def confidence_word(probability: float) -> str:
    """The word for a probability that a sentence is right (`WORDS` has the bounds; each bound belongs to its word).

    Raises:
        ValueError: it is no probability.

    >>> [confidence_word(p) for p in (0.95, 0.9, 0.66, 0.33, 0.1)]
    ['very likely', 'very likely', 'likely', 'possible', 'unlikely']
    """
    if not 0.0 <= probability <= 1.0:
        msg = f"a probability is between 0 and 1: {probability}"
        raise ValueError(msg)
    return next(word for bound, word in WORDS if probability >= bound)


@dataclass(frozen=True, slots=True)
class Knot:
    """One point of a calibrator's curve: at this raw score, these natural log-odds of being right."""

    raw: float
    log_odds: float


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A curve from raw scores to log-odds: straight between its knots, flat outside of them.

    Both kinds of fit are such curves: Platt scaling has two knots, at the smallest and largest score that it was fitted
    on, isotonic regression one or more. Flat outside means: never surer than what was seen in fitting.

    Attributes:
        knots: at least one, raw scores strictly rising, log-odds never falling.

    >>> curve = Calibrator((Knot(-2.0, -1.0), Knot(2.0, 1.0)))
    >>> [round(curve.probability(raw), 3) for raw in (-9.0, -2.0, 0.0, 2.0, 9.0)]
    [0.269, 0.269, 0.5, 0.731, 0.731]
    """

    knots: tuple[Knot, ...]

    def __post_init__(self) -> None:
        """Refuse no curve, numbers that are none, and a curve by which a higher score would mean less."""
        bounded = all(math.isfinite(one.raw) and abs(one.log_odds) <= MOST_LOG_ODDS for one in self.knots)
        if not self.knots or not bounded:
            msg = f"a calibrator has a knot or more, each finite, log-odds within {MOST_LOG_ODDS}: {self.knots}"
            raise ValueError(msg)
        if any(one.raw >= two.raw or one.log_odds > two.log_odds for one, two in pairwise(self.knots)):
            msg = f"a calibrator's scores rise and its log-odds never fall: {self.knots}"
            raise ValueError(msg)

    def probability(self, raw: float) -> float:
        """The probability that a sentence of that score is right."""
        return 1.0 / (1.0 + math.exp(-self._log_odds(raw)))

    def _log_odds(self, raw: float) -> float:
        if raw <= self.knots[0].raw:
            return self.knots[0].log_odds
        for one, two in pairwise(self.knots):
            if raw <= two.raw:
                share = (raw - one.raw) / (two.raw - one.raw)
                return one.log_odds + share * (two.log_odds - one.log_odds)
        return self.knots[-1].log_odds


@dataclass(frozen=True, slots=True)
class ConformalRule:
    """Which sentences need a look, at a stated error level; the module's docstring says what that level means.

    Attributes:
        alpha: at most this share of drafts is expected to hold a wrong sentence in ACCEPT.
        threshold: a sentence is accepted when its calibrated probability is above it.
        patients: on how many it was made.
    """

    alpha: float
    threshold: float
    patients: int

    def __post_init__(self) -> None:
        """Refuse an error level and a threshold that are none."""
        if not 0.0 < self.alpha < 1.0 or not 0.0 <= self.threshold <= 1.0 or self.patients < 0:
            msg = f"alpha lies in (0, 1), the threshold in [0, 1], and patients are counted: {self}"
            raise ValueError(msg)

    def needs(self, probability: float | None) -> ConfidenceSet:
        """ACCEPT above the threshold; REVIEW below, at it, and where there is no probability."""
        accepted = probability is not None and probability > self.threshold
        return ConfidenceSet.ACCEPT if accepted else ConfidenceSet.REVIEW


def conformal_rule(worst: Sequence[Sequence[float | None]], *, alpha: float) -> ConformalRule:
    """The least strict rule that keeps the error level, from patients that the calibrator was not fitted on.

    With n patients and R the mean of their losses at a threshold, it is the smallest threshold at which
    (n R + 1) / (n + 1) is at most alpha. With fewer than 1/alpha - 1 patients there is none, and nothing is accepted.

    Args:
        worst: of each patient, for each draft, the highest calibrated probability that it gives to a sentence of its
            own that is wrong; None for a draft without a wrong sentence.
        alpha: in (0, 1).

    >>> rule = conformal_rule([[None], [0.2], [0.3], [0.4], [0.5], [0.6], [0.7], [0.8], [0.9]], alpha=0.2)
    >>> rule.threshold, rule.needs(0.85).value, rule.needs(0.8).value
    (0.8, 'accept', 'review')
    >>> conformal_rule([[0.2], [0.3]], alpha=0.2).threshold
    1.0
    """
    patients = [[ACCEPT_ALL if one is None else one for one in drafts] for drafts in worst if drafts]
    allowed = alpha * (len(patients) + 1) - 1 + 1e-9  # 1e-9: 0.1 * 10 - 1 is not to become less than 0
    if allowed < 0:
        return ConformalRule(alpha, ACCEPT_NOTHING, len(patients))
    candidates = sorted({ACCEPT_ALL, *(one for drafts in patients for one in drafts)})
    threshold = next(value for value in candidates if _losses(patients, value) <= allowed)
    return ConformalRule(alpha, threshold, len(patients))


def _losses(patients: Sequence[Sequence[float]], threshold: float) -> float:
    """The sum over patients of the share of their drafts that hold an accepted wrong sentence."""
    return sum(sum(one > threshold for one in drafts) / len(drafts) for drafts in patients)


__all__ = [
    "SIMULATED_ONLY",
    "SITE_ID",
    "SITE_ONLY",
    "WIDENING",
    "WORDS",
    "Calibrator",
    "Confidence",
    "ConfidenceSet",
    "ConformalRule",
    "Knot",
    "confidence_word",
    "conformal_rule",
]
