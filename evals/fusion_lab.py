"""Early, late and hybrid fusion of two tables, by scikit-learn, beside the area that is known to be the best possible.

Models are fitted on one half of the patients and judged on the other. What a fusion model learns from the models of
single tables comes from patients those did not see (five folds). Figures are areas under the ROC curve with DeLong's
intervals, differences are paired, and each area stands beside its known ceiling (`evals.fusion_cohort`).

- image, clinical: one table. early: one model of all columns.
- late mean: the mean of the two models' calibrated log odds. late stacked: a logistic regression on them.
- hybrid: one model of all columns and of the two models' log odds.

Not here: pixels, notes or a vision-language model (`evals.fusion`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.delong import Areas, areas
from evals.fusion_cohort import (
    IMAGE,
    Cohort,
    Missing,
    Sees,
    draw_cohort,
    integrated_area,
    known_area,
    log_ratio,
    with_missing,
)
from evals.rate import UNMEASURED, Figure

FOLDS = 5
TEST_SHARE = 0.5
Scores = NDArray[np.float64]


class Learner(StrEnum):
    """The kind of model, of single tables as of fused ones."""

    LOGISTIC = "logistic"
    BOOSTING = "boosting"


class Arm(StrEnum):
    """What is judged."""

    IMAGE = "image"
    CLINICAL = "clinical"
    EARLY = "early"
    LATE_MEAN = "late_mean"
    LATE_STACKED = "late_stacked"
    HYBRID = "hybrid"
    BEST = "best_possible"  # the likelihood ratio of both tables: no model, what a perfect one would score
    ROUTINE = "routine"  # the likelihood ratio with what only the routine examination knows


FUSED = (Arm.EARLY, Arm.LATE_MEAN, Arm.LATE_STACKED, Arm.HYBRID)
MODELS = (Arm.IMAGE, Arm.CLINICAL, *FUSED)
COMPARED = (
    *((arm, Arm.IMAGE) for arm in FUSED),
    *((arm, Arm.CLINICAL) for arm in FUSED),
    (Arm.HYBRID, Arm.EARLY),
    (Arm.HYBRID, Arm.LATE_STACKED),
    *((arm, Arm.BEST) for arm in FUSED),
    *((arm, Arm.ROUTINE) for arm in FUSED),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """All arms on the same test patients.

    Attributes:
        areas: in the order of `Arm`.
        ceiling: the known area of what a fused model sees, and of each single table where that is known.
    """

    learner: Learner
    missing: Missing
    areas: Areas
    ceiling: dict[Arm, float]

    def area(self, arm: Arm) -> Figure:
        """The arm's area."""
        return self.areas.figure(list(Arm).index(arm))

    def under_ceiling(self, arm: Arm) -> Figure:
        """How far the arm stays under the best that its inputs allow; a chance excess is negative."""
        found = self.area(arm)
        if arm not in self.ceiling or found.value is None:
            return UNMEASURED
        best = self.ceiling[arm]
        interval = None if found.ci95 is None else (best - found.ci95[1], best - found.ci95[0])
        return Figure(best - found.value, interval, found.n)

    def as_dict(self) -> dict[str, object]:
        """Per arm auc and under_ceiling; differences as `first_minus_second` with the paired p."""
        order = list(Arm)
        arms = {
            arm.value: {"auc": self.area(arm).as_dict(), "under_ceiling": self.under_ceiling(arm).as_dict()}
            for arm in Arm
        }
        differences = {
            f"{first}_minus_{second}": self.areas.difference(order.index(first), order.index(second)).as_dict()
            for first, second in COMPARED
        }
        return {
            "positives": self.areas.positives,
            "negatives": self.areas.negatives,
            "arms": arms,
            "differences": differences,
        }


def judge(learner: Learner, missing: Missing, *, n: int, seed: int, ceiling: dict[Arm, float] | None = None) -> Judged:
    """Draw patients, fit on half of them, judge all arms on the other half.

    Args:
        learner: of every model.
        missing: of training and test patients alike.
        n: patients in all.
        seed: of the patients, the halves and the folds.
        ceiling: from `ceilings`, when it was worked out before.

    Raises:
        evals.delong.RocInputError: so few patients that the test half has one class only.
        ValueError: so few that a fold of training has one class only.
    """
    patients, gaps, halves = (np.random.default_rng([seed, n, part]) for part in range(3))  # same patients, any gaps
    cohort = with_missing(draw_cohort(n, patients), missing, gaps)
    tested = halves.permutation(n) < round(n * TEST_SHARE)
    test = cohort.rows(tested)
    scores = fused_scores(cohort.rows(~tested), test, learner=learner, seed=seed)
    scores[Arm.BEST] = log_ratio(test, Sees.BOTH)
    scores[Arm.ROUTINE] = log_ratio(test, Sees.ROUTINE)
    found = areas(np.stack([scores[arm] for arm in Arm]), test.malignant)
    return Judged(learner, missing, found, ceilings(missing) if ceiling is None else ceiling)


def ceilings(missing: Missing) -> dict[Arm, float]:
    """The known areas: in closed form for complete inputs; integrated, and for both tables only, where some miss."""
    if missing is Missing.NOTHING:
        both = known_area(Sees.BOTH)
        alone = {Arm.IMAGE: known_area(Sees.IMAGE), Arm.CLINICAL: known_area(Sees.CLINICAL)}
        return alone | dict.fromkeys((*FUSED, Arm.BEST), both) | {Arm.ROUTINE: known_area(Sees.ROUTINE)}
    both, routine = (integrated_area(sees, missing).values[0] for sees in (Sees.BOTH, Sees.ROUTINE))
    return dict.fromkeys((*FUSED, Arm.BEST), both) | {Arm.ROUTINE: routine}


def fused_scores(train: Cohort, test: Cohort, *, learner: Learner, seed: int) -> dict[Arm, Scores]:
    """The log odds that each model, fitted on `train`, gives to the patients of `test`."""
    known = train.malignant
    both = [(_learn(learner, seed), part) for part in (np.s_[:, : len(IMAGE)], np.s_[:, len(IMAGE) :])]
    unseen = np.stack([_out_of_fold(model, train.table[part], known, seed=seed) for model, part in both], axis=1)
    alone = np.stack([_odds(model.fit(train.table[part], known), test.table[part]) for model, part in both], axis=1)
    calibrated = [_odds(_plain().fit(unseen[:, [index]], known), alone[:, [index]]) for index in range(unseen.shape[1])]
    early = _learn(learner, seed).fit(train.table, known)
    hybrid = _learn(learner, seed).fit(np.hstack([train.table, unseen]), known)
    return {
        Arm.IMAGE: alone[:, 0],
        Arm.CLINICAL: alone[:, 1],
        Arm.EARLY: _odds(early, test.table),
        Arm.LATE_MEAN: np.mean(calibrated, axis=0),
        Arm.LATE_STACKED: _odds(_plain().fit(unseen, known), alone),
        Arm.HYBRID: _odds(hybrid, np.hstack([test.table, alone])),
    }


def _learn(learner: Learner, seed: int) -> Any:  # noqa: ANN401 - scikit-learn ships no types
    """An unfitted model that takes missing values: as a flag and the mean, or as a branch of its own."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if learner is Learner.LOGISTIC:
        imputer = SimpleImputer(strategy="mean", add_indicator=True)
        return make_pipeline(imputer, StandardScaler(), LogisticRegression(C=1.0))
    return HistGradientBoostingClassifier(
        learning_rate=0.06, max_iter=80, max_leaf_nodes=8, min_samples_leaf=30, random_state=seed
    )


def _plain() -> Any:  # noqa: ANN401 - scikit-learn ships no types
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0)


def _out_of_fold(model: Any, table: Scores, known: NDArray[np.bool_], *, seed: int) -> Scores:  # noqa: ANN401
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return _log_odds(cross_val_predict(model, table, known, cv=folds, method="predict_proba")[:, 1])


def _odds(model: Any, table: Scores) -> Scores:  # noqa: ANN401 - scikit-learn ships no types
    return _log_odds(model.predict_proba(table)[:, 1])


def _log_odds(probability: Scores) -> Scores:
    kept = np.clip(np.asarray(probability, dtype=np.float64), 1e-9, 1 - 1e-9)
    return np.log(kept) - np.log1p(-kept)
