"""The table-only lab as one result: every learner with complete and with missing inputs, and fresh cohorts beside it.

One cohort shows what a study would show: areas with DeLong's intervals. Many fresh cohorts show what no single study
can: how far the models stay under the known ceiling on average, and how often DeLong's interval holds the known area.

`as_dict` (the shape of `overread eval fusion-lab --json`; F is {"value", "ci95", "n"}, D is F with "p"):

    {"simulated": true, "n_patients", "n_test", "prevalence", "seed",
     "anchor": {"study", "unimodal", "multimodal", "routine"},
     "ceiling": {"image", "clinical", "both", "routine", "both_missing_at_random", ...: area},
     "learners": {LEARNER: {MISSING: {"positives", "negatives", "arms": {ARM: {"auc": F, "under_ceiling": F}},
                                      "differences": {"A_minus_B": D}, "context_helps": {ARM: ANSWER}}}},
     "repeats": {"n", "learner", "arms": {ARM: {"auc": F, "under_ceiling": F}},
                 "coverage": {"auc": RATE, "difference": RATE}}}
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from evals.fusion_cohort import ANCHOR, PREVALENCE, Missing, Sees, known_area
from evals.fusion_figures import helps
from evals.fusion_lab import FUSED, Arm, Judged, Learner, ceilings, judge
from evals.rate import LEVEL, UNMEASURED, Figure, Rate

REPEATED = Learner.LOGISTIC  # the fresh cohorts' learner: the other takes five times as long
STUDY = "INSPiRED 003: Pfob A et al., European Radiology 2022;32:4101-4115 (published figures; ours are simulated)"


@dataclass(frozen=True, slots=True)
class Repeats:
    """Fresh cohorts, judged as the first: complete inputs.

    Attributes:
        judged: one for each.
    """

    judged: tuple[Judged, ...]

    def as_dict(self) -> dict[str, object]:
        """Means over cohorts, and how often DeLong's interval holds the area that is known."""
        arms = {
            arm.value: {
                "auc": _mean([one.area(arm).value for one in self.judged]),
                "under_ceiling": _mean([one.under_ceiling(arm).value for one in self.judged]),
            }
            for arm in Arm
        }
        coverage = {"auc": self.coverage.as_dict(), "difference": self.difference_coverage.as_dict()}
        return {"n": len(self.judged), "learner": REPEATED.value, "arms": arms, "coverage": coverage}

    @property
    def coverage(self) -> Rate:
        """Cohorts in which the interval of the best possible score's area holds the known area."""
        return _held([one.area(Arm.BEST) for one in self.judged], known_area(Sees.BOTH))

    @property
    def difference_coverage(self) -> Rate:
        """Cohorts in which the paired interval of (routine less best possible) holds the known difference."""
        order = list(Arm)
        first, second = order.index(Arm.ROUTINE), order.index(Arm.BEST)
        found = [one.areas.difference(first, second).figure for one in self.judged]
        return _held(found, known_area(Sees.ROUTINE) - known_area(Sees.BOTH))


@dataclass(frozen=True, slots=True)
class LabResult:
    """Everything the lab measured.

    Attributes:
        judged: every learner under every kind of missing inputs, on the same cohort.
        ceilings: by kind of missing inputs.
    """

    n: int
    seed: int
    judged: tuple[Judged, ...]
    ceilings: dict[Missing, dict[Arm, float]]
    repeats: Repeats

    def as_dict(self) -> dict[str, object]:
        """The shape in the module's docstring."""
        return {
            "simulated": True,
            "n_patients": self.n,
            "n_test": self.judged[0].areas.n,
            "prevalence": PREVALENCE,
            "seed": self.seed,
            "anchor": {"study": STUDY, **ANCHOR},
            "ceiling": self._ceiling(),
            "learners": {learner.value: self._learner(learner) for learner in Learner},
            "repeats": self.repeats.as_dict(),
        }

    def _ceiling(self) -> dict[str, float]:
        told = {sees.value: known_area(sees) for sees in Sees}
        for missing in Missing:
            if missing is not Missing.NOTHING:
                told[f"{Sees.BOTH}_{missing}"] = self.ceilings[missing][Arm.BEST]
                told[f"{Sees.ROUTINE}_{missing}"] = self.ceilings[missing][Arm.ROUTINE]
        return told

    def _learner(self, learner: Learner) -> dict[str, object]:
        chosen = [one for one in self.judged if one.learner is learner]
        return {one.missing.value: {**one.as_dict(), "context_helps": _answers(one)} for one in chosen}


def run(*, n: int, repeats: int, seed: int, progress: Callable[[int], None] | None = None) -> LabResult:
    """Draw, fit and judge.

    Args:
        n: patients of each cohort, training and test together.
        repeats: fresh cohorts beside the first.
        seed: of the first cohort; the fresh ones follow from it.
        progress: told how many cohorts are done.

    Raises:
        ValueError: too few patients for both classes in every fold and in the test half.
    """
    known = {missing: ceilings(missing) for missing in Missing}
    judged = tuple(
        judge(learner, missing, n=n, seed=seed, ceiling=known[missing]) for learner in Learner for missing in Missing
    )
    fresh: list[Judged] = []
    for index in range(repeats):
        own = int(np.random.SeedSequence([seed, index + 1]).generate_state(1)[0])
        fresh.append(judge(REPEATED, Missing.NOTHING, n=n, seed=own, ceiling=known[Missing.NOTHING]))
        if progress is not None:
            progress(len(fresh))
    return LabResult(n, seed, judged, known, Repeats(tuple(fresh)))


def _answers(one: Judged) -> dict[str, str]:
    """Of each fused model: does it beat the better single table?"""
    order = list(Arm)
    alone = max((Arm.IMAGE, Arm.CLINICAL), key=lambda arm: one.area(arm).value or 0.0)
    return {arm.value: helps(one.areas.difference(order.index(arm), order.index(alone)).figure) for arm in FUSED}


def _held(figures: list[Figure], known: float) -> Rate:
    intervals = [figure.ci95 for figure in figures if figure.ci95 is not None]
    return Rate(sum(low <= known <= high for low, high in intervals), len(intervals))


def _mean(values: list[float | None]) -> dict[str, object]:
    """Mean over cohorts with Student's interval."""
    found: NDArray[np.float64] = np.array([value for value in values if value is not None], dtype=np.float64)
    if not found.size:
        return UNMEASURED.as_dict()
    if found.size == 1:
        return Figure(float(found[0]), None, 1).as_dict()
    reach = float(student.ppf(0.5 + LEVEL / 2, found.size - 1)) * float(found.std(ddof=1)) / float(np.sqrt(found.size))
    middle = float(found.mean())
    return Figure(middle, (middle - reach, middle + reach), int(found.size)).as_dict()
