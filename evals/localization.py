"""Does the draft point at the lesions? Sensitivity, false boxes and deviation, beside what no skill would score.

`run` drafts every trial by the product's own path and returns figures with intervals clustered by patient. Lesions of
the subtle tier are reported apart and never mixed into the headline. Not here: where trials come from
(`evals.sources`), how a box is matched (`evals.matching`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from cases.draft import Draft, ModelIdentity
from evals.baseline import CENTRE, best_mirrored_points
from evals.bootstrap import cluster_ci95, median
from evals.faults import Faults, draft_faults
from evals.insertion import Tier
from evals.localization_figures import Localized, localized
from evals.matching import HIT_RULE, Point
from evals.outcome import Outcome, outcome_of
from evals.rate import UNMEASURED, Figure
from evals.trial import Drafter, Trial

APART = frozenset({Tier.SUBTLE.value})


@dataclass(frozen=True, slots=True)
class LocalizationResult:
    """All figures of one run.

    Attributes:
        n_images, n_lesions: of the headline (the tiers in `APART` left out).
        seed: of the trials and of the bootstrap.
        model: which model drafted; None when nothing was drafted.
        headline: the drafts, over all tiers but those apart.
        image_centre, two_points: the same lesions pointed at without looking.
        points: the two fixed points.
        tiers: the drafts, tier by tier.
        faults: of every draft of the run.
        seconds_per_draft: median wall time.
    """

    n_images: int
    n_lesions: int
    seed: int
    model: ModelIdentity | None
    headline: Localized
    image_centre: Localized
    two_points: Localized
    points: tuple[Point, ...]
    tiers: tuple[tuple[str, Localized], ...]
    faults: Faults
    seconds_per_draft: Figure

    def as_dict(self) -> dict[str, object]:
        """The shape of `overread eval localization --json`."""
        no_skill = self.image_centre.as_dict()
        no_skill["method"] = "one box at the image centre"
        no_skill["two_fixed_points"] = {**self.two_points.as_dict(), "points": [list(point) for point in self.points]}
        return {
            "n_images": self.n_images,
            "n_lesions": self.n_lesions,
            "seed": self.seed,
            "model": None if self.model is None else asdict(self.model),
            "sensitivity_at": self.headline.sensitivity_at_dict(),
            "as_drafted": self.headline.as_drafted_dict(),
            "no_skill": no_skill,
            "tiers": {name: figures.as_dict() for name, figures in self.tiers},
            "faults": self.faults.as_dict(),
            "seconds_per_draft": {"median": self.seconds_per_draft.as_dict()},
            "hit_rule": HIT_RULE,
            "intervals": "95 %, bootstrap of whole patients (Wilson over patients where all or none were found)",
        }


def run(
    trials: Iterable[Trial],
    *,
    draft: Drafter,
    seed: int,
    clock: Callable[[], float] = time.perf_counter,
    progress: Callable[[int], None] | None = None,
) -> LocalizationResult:
    """Draft every trial and judge the boxes.

    Args:
        trials: taken one at a time; none is kept.
        draft: the product's own path from case and pixels to a draft.
        seed: of the bootstrap; give the one the trials were made with.
        clock: seconds, for the time per draft.
        progress: told how many trials are done after each.
    """
    outcomes: list[Outcome] = []
    drafts: list[Draft] = []
    seconds: list[float] = []
    for trial in trials:
        started = clock()
        drafted = draft(trial.case, pixels=trial.pixels)
        seconds.append(clock() - started)
        drafts.append(drafted)
        outcomes.append(outcome_of(trial, drafted))
        if progress is not None:
            progress(len(drafts))
    return summary(outcomes, drafts=drafts, seconds=seconds, seed=seed)


def summary(
    outcomes: Sequence[Outcome], *, drafts: Sequence[Draft], seconds: Sequence[float], seed: int
) -> LocalizationResult:
    """All figures of outcomes that were drafted before."""
    main = [outcome for outcome in outcomes if not _apart(outcome)]
    points = best_mirrored_points(main)
    tiers = sorted({lesion.tier for outcome in outcomes for lesion in outcome.lesions})
    return LocalizationResult(
        n_images=len(main),
        n_lesions=sum(len(outcome.lesions) for outcome in main),
        seed=seed,
        model=drafts[0].model if drafts else None,
        headline=localized(main, seed=seed),
        image_centre=localized([outcome.pointing(CENTRE) for outcome in main], seed=seed),
        two_points=localized([outcome.pointing(points) for outcome in main], seed=seed),
        points=points,
        tiers=tuple((tier, localized(outcomes, seed=seed, tier=tier)) for tier in tiers),
        faults=draft_faults(drafts),
        seconds_per_draft=_median_seconds(seconds, seed=seed),
    )


def _apart(outcome: Outcome) -> bool:
    return any(lesion.tier in APART for lesion in outcome.lesions)


def _median_seconds(seconds: Sequence[float], *, seed: int) -> Figure:
    if not seconds:
        return UNMEASURED
    values = np.asarray(seconds, dtype=np.float64)
    interval = cluster_ci95([str(index) for index in range(len(seconds))], median(values), seed=seed)
    return Figure(float(np.median(values)), interval, len(seconds))
