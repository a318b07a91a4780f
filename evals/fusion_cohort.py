"""A simulated malignancy task whose best possible area under the ROC curve is known, with and without missing inputs.

Made-up patients with an image table (four features a reader measured) and a clinical table (three values and one yes/no
fact), and what a routine examination adds and no table holds. Given the class all values are normal, so the likelihood
ratio of any part is known exactly, and with it the area that no model can beat. In patients with the fact ("under 40",
say) malignant masses look half as different: what the image says has to be read together with the table.

The parameters are chosen for the shape of INSPiRED 003 (see `ANCHOR`): about 0.83 from either table, 0.90 from both,
0.95 with the routine examination, 28.6 % malignant. The study's figures are the anchor; ours are simulated, and are
figures of this simulation only. Source: Pfob A et al., European Radiology 2022;32:4101-4115.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from evals.delong import Areas, areas

ANCHOR = {"unimodal": 0.83, "multimodal": 0.90, "routine": 0.95}  # AUC, as published
PREVALENCE = 0.286  # 368 of 1,288 masses

IMAGE = ("shape", "margin", "echo pattern", "posterior features")
CLINICAL = ("age", "size on palpation", "family history score")
FACT = "under 40"
COLUMNS = (*IMAGE, *CLINICAL, FACT)

IMAGE_SHIFT = (1.34, 1.07, 0.80, 0.67)  # of a malignant mass, in standard deviations
CLINICAL_SHIFT = (1.09, 0.76, 0.44)
WITHIN_IMAGE, WITHIN_CLINICAL, ACROSS = 0.3, 0.2, 0.06  # correlations, given the class
FACT_SHARE = ((0.55, 0.45), (0.80, 0.20))  # P(fact absent, present) of benign and of malignant
SHIFT_SHARE = (1.0, 0.5)  # of IMAGE_SHIFT without and with the fact
ROUTINE_SHIFT = 1.46  # of what only the routine examination knows
MISSING_MOST, MISSING_OFFSET, MISSING_SLOPE = 0.5, -0.5, 1.0  # chance: MOST * Phi(OFFSET + SLOPE * a value)

_N_IMAGE, _N_CLINICAL = len(IMAGE), len(CLINICAL)
_X, _V = slice(0, _N_IMAGE), slice(_N_IMAGE, _N_IMAGE + _N_CLINICAL)

Table = NDArray[np.float64]
Component = tuple[float, float, float]  # weight, mean, variance


class Sees(StrEnum):
    """What a judgement is made from."""

    IMAGE = "image"
    CLINICAL = "clinical"
    BOTH = "both"
    ROUTINE = "routine"


class Missing(StrEnum):
    """Which inputs are missing, and why."""

    NOTHING = "complete"
    AT_RANDOM = "missing_at_random"  # whether a table is missing depends on the other table, which is there
    NOT_AT_RANDOM = "missing_not_at_random"  # it depends on the missing table's own first value


@dataclass(frozen=True, slots=True)
class Cohort:
    """Made-up patients, one a row.

    Attributes:
        table: (n, 8) in the order of `COLUMNS`; a table that is missing is NaN in all its columns, never both.
        malignant: (n,) boolean.
        routine: (n,) what only the routine examination knows.
        missing: why inputs are missing.
    """

    table: Table
    malignant: NDArray[np.bool_]
    routine: Table
    missing: Missing = Missing.NOTHING

    @property
    def n(self) -> int:
        """Patients."""
        return int(self.malignant.size)

    def rows(self, chosen: NDArray[np.bool_]) -> Cohort:
        """Only these patients."""
        return replace(self, table=self.table[chosen], malignant=self.malignant[chosen], routine=self.routine[chosen])


def draw_cohort(n: int, random: np.random.Generator, *, prevalence: float = PREVALENCE) -> Cohort:
    """So many complete patients."""
    malignant = random.random(n) < prevalence
    fact = (random.random(n) < np.where(malignant, FACT_SHARE[1][1], FACT_SHARE[0][1])).astype(int)
    values = random.multivariate_normal(np.zeros(_N_IMAGE + _N_CLINICAL), _covariance(), size=n, method="cholesky")
    for present in (0, 1):
        values[malignant & (fact == present)] += _shift(present)
    routine = random.normal(size=n) + ROUTINE_SHIFT * malignant
    return Cohort(np.column_stack([values, fact]), malignant, routine)


def with_missing(cohort: Cohort, missing: Missing, random: np.random.Generator) -> Cohort:
    """The same patients, some without their image table and others without their clinical table."""
    if missing is Missing.NOTHING:
        return cohort
    own = missing is Missing.NOT_AT_RANDOM
    first_image, first_clinical = cohort.table[:, 0], cohort.table[:, _N_IMAGE]
    no_image = _missing_chance(first_image if own else first_clinical)
    no_clinical = _missing_chance(first_clinical if own else first_image)
    draw = random.random(cohort.n)
    table = cohort.table.copy()
    table[draw < no_image, :_N_IMAGE] = np.nan
    table[(draw >= no_image) & (draw < no_image + no_clinical), _N_IMAGE:] = np.nan
    return replace(cohort, table=table, missing=missing)


def known_area(sees: Sees) -> float:
    """The area of the likelihood ratio of complete inputs, in closed form: no model does better.

    >>> [round(known_area(sees), 2) for sees in Sees]
    [0.83, 0.83, 0.9, 0.95]
    """
    if sees is Sees.IMAGE:
        # The ratio rises with the one direction along which the classes differ, whatever the fact is.
        spread = _squared(_shift(0)[_X], _covariance()[_X, _X])
        positive = [(FACT_SHARE[1][fact], SHIFT_SHARE[fact] * spread, spread) for fact in (0, 1)]
        return _area(positive, [(1.0, 0.0, spread)])
    spreads = [_spread(sees, fact) for fact in (0, 1)]
    sides = [
        [(FACT_SHARE[y][fact], _fact_ratio(fact) + (y - 0.5) * spreads[fact], spreads[fact]) for fact in (0, 1)]
        for y in (0, 1)
    ]
    return _area(sides[1], sides[0])


def integrated_area(sees: Sees, missing: Missing, *, draws: int = 400_000) -> Areas:
    """The area of the likelihood ratio with missing inputs, integrated over random draws, with its numerical error.

    Args:
        sees: BOTH or ROUTINE (see `log_ratio`).
        missing: which inputs are missing.
        draws: half of them malignant; the error falls with their root.
    """
    random = np.random.default_rng([draws, list(Missing).index(missing)])
    cohort = with_missing(draw_cohort(draws, random, prevalence=0.5), missing, random)
    return areas(log_ratio(cohort, sees), cohort.malignant)


def log_ratio(cohort: Cohort, sees: Sees) -> Table:
    """The log likelihood ratio (malignant over benign) of what is seen of each patient: the best score there is.

    Args:
        cohort: with or without missing inputs; that an input is missing counts as seen.
        sees: BOTH or ROUTINE, or one table of a complete cohort.

    Raises:
        ValueError: one table alone of a cohort with missing inputs, for which no ratio is worked out here.
    """
    if sees in (Sees.IMAGE, Sees.CLINICAL):
        if cohort.missing is not Missing.NOTHING:
            msg = f"the best score from one table is known for complete inputs only, not {cohort.missing.value}"
            raise ValueError(msg)
        return _image_ratio(cohort.table, own=False) if sees is Sees.IMAGE else _clinical_ratio(cohort.table, own=False)
    own = cohort.missing is Missing.NOT_AT_RANDOM
    ratio = _both_ratio(cohort.table)
    no_image, no_clinical = np.isnan(cohort.table[:, 0]), np.isnan(cohort.table[:, -1])
    ratio[no_image] = _clinical_ratio(cohort.table[no_image], own=own)
    ratio[no_clinical] = _image_ratio(cohort.table[no_clinical], own=own)
    if sees is Sees.ROUTINE:
        ratio += ROUTINE_SHIFT * cohort.routine - ROUTINE_SHIFT**2 / 2
    return ratio


def _covariance() -> Table:
    count = _N_IMAGE + _N_CLINICAL
    matrix = np.full((count, count), ACROSS)
    matrix[_X, _X] = WITHIN_IMAGE
    matrix[_V, _V] = WITHIN_CLINICAL
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _shift(fact: int) -> Table:
    return np.array([SHIFT_SHARE[fact] * shift for shift in IMAGE_SHIFT] + list(CLINICAL_SHIFT))


def _squared(shift: Table, covariance: Table) -> float:
    """Mahalanobis distance, squared: mean difference of the log ratio between the classes, and its variance."""
    return float(shift @ np.linalg.solve(covariance, shift))


def _spread(sees: Sees, fact: int) -> float:
    if sees is Sees.CLINICAL:
        return _squared(_shift(fact)[_V], _covariance()[_V, _V])
    return _squared(_shift(fact), _covariance()) + (ROUTINE_SHIFT**2 if sees is Sees.ROUTINE else 0.0)


def _fact_ratio(fact: int) -> float:
    return float(np.log(FACT_SHARE[1][fact] / FACT_SHARE[0][fact]))


def _area(positive: list[Component], negative: list[Component]) -> float:
    """P(a draw of the one mixture of normals exceeds a draw of the other)."""
    return float(
        sum(
            above * below * norm.cdf((high - low) / np.sqrt(spread + other))
            for above, high, spread in positive
            for below, low, other in negative
        )
    )


def _missing_chance(value: Table) -> Table:
    return np.asarray(MISSING_MOST * norm.cdf(MISSING_OFFSET + MISSING_SLOPE * value), dtype=np.float64)


def _linear_ratio(values: Table, shift: Table, covariance: Table) -> Table:
    """The log ratio of two normals that differ by a shift."""
    weights = np.linalg.solve(covariance, shift)
    return np.asarray(values @ weights - shift @ weights / 2, dtype=np.float64)


def _both_ratio(table: Table) -> Table:
    ratios = [_linear_ratio(table[:, :-1], _shift(fact), _covariance()) + _fact_ratio(fact) for fact in (0, 1)]
    return np.where(table[:, -1] == 1, ratios[1], ratios[0])


def _clinical_ratio(table: Table, *, own: bool) -> Table:
    """Of the clinical table; with `own`, of an image table that is missing for its own first value as well."""
    values, fact = table[:, _V], table[:, -1].astype(int)
    ratio = _linear_ratio(values, _shift(0)[_V], _covariance()[_V, _V])
    ratio += np.where(fact == 1, _fact_ratio(1), _fact_ratio(0))
    if own:
        benign = _log_chance(values, fact=None, given=_V, hidden=0)
        malignant = [_log_chance(values, fact=present, given=_V, hidden=0) for present in (0, 1)]
        ratio += np.where(fact == 1, malignant[1], malignant[0]) - benign
    return ratio


def _image_ratio(table: Table, *, own: bool) -> Table:
    """Of the image table, the fact unknown; with `own`, of a clinical table that is missing for its own first value."""
    values = table[:, _X]
    parts = []
    for fact in (0, 1):
        part = _linear_ratio(values, _shift(fact)[_X], _covariance()[_X, _X]) + np.log(FACT_SHARE[1][fact])
        parts.append(part + (_log_chance(values, fact=fact, given=_X, hidden=_N_IMAGE) if own else 0.0))
    benign = _log_chance(values, fact=None, given=_X, hidden=_N_IMAGE) if own else 0.0
    return np.asarray(np.logaddexp(*parts) - benign, dtype=np.float64)


def _log_chance(values: Table, *, fact: int | None, given: slice, hidden: int) -> Table:
    """Log of the chance that a hidden value makes its table go missing, given the other table and the class.

    E Phi(a + b h) with h normal is Phi((a + b mean) / sqrt(1 + b^2 variance)).

    Args:
        values: the other table.
        fact: of a malignant mass; None for a benign one, whose values no fact shifts.
        given: columns of the other table.
        hidden: the hidden value's column.
    """
    covariance = _covariance()
    shift = np.zeros(covariance.shape[0]) if fact is None else _shift(fact)
    weights = np.linalg.solve(covariance[given, given], covariance[given, hidden])
    mean = shift[hidden] + (values - shift[given]) @ weights
    variance = 1.0 - covariance[given, hidden] @ weights
    reach = (MISSING_OFFSET + MISSING_SLOPE * mean) / np.sqrt(1 + MISSING_SLOPE**2 * variance)
    return np.asarray(norm.logcdf(reach), dtype=np.float64)
