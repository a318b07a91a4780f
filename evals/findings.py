"""Does the model tell images with a finding from images without? Areas under the curve on real labels, with a baseline.

Every area stands beside what a nuisance baseline reaches on the same images, over all pairs and within strata of source
and view: the source of a public image predicts its label. The scores are the model's own (`evals.finding_score`).
Labels are mostly text-mined, which no model can be better than.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cases.draft import ModelIdentity
from cases.study import Case
from evals.auc import Ranked
from evals.finding_score import SCORE
from evals.labels import Target, is_there
from evals.manifest import ManifestRow, read_manifest
from evals.nuisance import FEATURES, Nuisance, nuisance_features, nuisance_scores
from evals.rate import UNMEASURED, Figure
from evals.sources import TRAINING_SPLIT, trial_of, unseen
from vlm.errors import BackendError

LOWEST = -1e9  # below any log-odds
Scores = dict[Target, float | None]
Scorer = Callable[[Case, NDArray[np.uint16]], Scores]


@dataclass(frozen=True, slots=True)
class FindingArea:
    """One target's areas.

    Attributes:
        overall, within_strata: of the model; unmeasured where it has no statement of the target.
        nuisance, nuisance_within_strata: of the baseline on the same images.
        gain, gain_within_strata: model minus baseline, resampled together.
        positives: images with the target.
        pairs_within_strata: pairs that the figures within strata rest on.
        fitted_on: what taught the baseline.
    """

    overall: Figure
    within_strata: Figure
    nuisance: Figure
    nuisance_within_strata: Figure
    gain: Figure
    gain_within_strata: Figure
    positives: int
    pairs_within_strata: int
    fitted_on: str

    def as_dict(self) -> dict[str, object]:
        """Figures as value, ci95 and n."""
        figures = {
            name: getattr(self, name).as_dict()
            for name in ("overall", "within_strata", "nuisance", "nuisance_within_strata", "gain", "gain_within_strata")
        }
        return {
            **figures,
            "n_positive": self.positives,
            "pairs_within_strata": self.pairs_within_strata,
            "nuisance_fitted_on": self.fitted_on,
        }


@dataclass(frozen=True, slots=True)
class FindingsResult:
    """All areas of one run.

    Attributes:
        n_images: scored. failed: of these, images that the model gave no finite score for (they rank lowest).
    """

    n_images: int
    n_patients: int
    failed: int
    seed: int
    model: ModelIdentity | None
    areas: tuple[tuple[Target, FindingArea], ...]

    def as_dict(self) -> dict[str, object]:
        """The shape of `overread eval findings --json`."""
        return {
            "n_images": self.n_images,
            "n_patients": self.n_patients,
            "n_failed": self.failed,
            "seed": self.seed,
            "model": None if self.model is None else asdict(self.model),
            "auc": {target.value: area.as_dict() for target, area in self.areas},
            "score": SCORE,
            "strata": "source and view: pairs within the same stratum only, pooled",
            "nuisance": f"logistic regression on {FEATURES}",
            "labels": "text-mined, adjudicated where the folder has that; what is not labelled counts as absent",
            "intervals": "95 %, bootstrap of whole patients",
        }


def chosen_rows(folder: Path, *, n: int, seed: int) -> tuple[ManifestRow, ...]:
    """At most n unseen images of a folder that have labels, drawn by seed when there are more; in file order."""
    rows = [row for row in unseen(folder) if any(is_there(row, target) is not None for target in Target)]
    if len(rows) <= n:
        return tuple(rows)
    kept = np.random.default_rng(seed).permutation(len(rows))[:n]
    return tuple(rows[index] for index in sorted(kept))


def run(
    rows: Iterable[ManifestRow],
    *,
    score: Scorer,
    seed: int,
    model: ModelIdentity | None = None,
    training: Sequence[ManifestRow] = (),
) -> FindingsResult:
    """Score every image and hold the scores against the labels.

    Args:
        rows: unseen images with labels.
        score: the model's scores of one case.
        seed: of the bootstrap.
        model: for the record.
        training: images of other patients, for the baseline.
    """
    scored = [(row, _scored(row, index, score)) for index, row in enumerate(rows)]
    table = _Table(scored, training, seed)
    return FindingsResult(
        n_images=len(scored),
        n_patients=len({row.patient for row, _ in scored}),
        failed=sum(scores is None for _, scores in scored),
        seed=seed,
        model=model,
        areas=tuple((target, table.area(target)) for target in Target),
    )


def training_rows(folder: Path) -> tuple[ManifestRow, ...]:
    """The images that teach the baseline; none where the folder has no training split."""
    return read_manifest(folder, split=TRAINING_SPLIT)


def _scored(row: ManifestRow, index: int, score: Scorer) -> Scores | None:
    """The scores of one image; None where the model failed on it."""
    pixels = row.pixels()
    trial = trial_of(row, pixels, f"findings-{index:05d}", ())
    try:
        return score(trial.case, pixels)
    except BackendError:
        return None


class _Table:
    """Images, their scores and their nuisance features, from which each target's areas are taken."""

    def __init__(
        self, scored: Sequence[tuple[ManifestRow, Scores | None]], training: Sequence[ManifestRow], seed: int
    ) -> None:
        self._rows, self._scores, self._seed = [row for row, _ in scored], [scores for _, scores in scored], seed
        self._features = [nuisance_features(row) for row in self._rows]
        self._training = training
        self._taught = [nuisance_features(row) for row in training]

    def area(self, target: Target) -> FindingArea:
        """The areas of one target, over the images whose labels know of it."""
        known = [index for index, row in enumerate(self._rows) if is_there(row, target) is not None]
        positive = tuple(bool(is_there(self._rows[index], target)) for index in known)
        patients = tuple(self._rows[index].patient for index in known)
        strata = tuple(f"{self._rows[index].source} {self._rows[index].view}" for index in known)
        within = Ranked(positive, strata, patients)
        nuisance = self._nuisance(target, known, within)
        return self._areas(within, self._model_scores(target, known), nuisance)

    def _areas(self, within: Ranked, model: list[float] | None, nuisance: Nuisance) -> FindingArea:
        baseline, seed = nuisance.scores, self._seed
        every = within.unstratified
        both = model is not None and baseline is not None
        return FindingArea(
            overall=every.area(model, seed=seed) if model is not None else UNMEASURED,
            within_strata=within.area(model, seed=seed) if model is not None else UNMEASURED,
            nuisance=every.area(baseline, seed=seed) if baseline is not None else UNMEASURED,
            nuisance_within_strata=within.area(baseline, seed=seed) if baseline is not None else UNMEASURED,
            gain=every.gain(model or (), baseline or (), seed=seed) if both else UNMEASURED,
            gain_within_strata=within.gain(model or (), baseline or (), seed=seed) if both else UNMEASURED,
            positives=sum(within.positive),
            pairs_within_strata=within.pairs,
            fitted_on=nuisance.fitted_on,
        )

    def _model_scores(self, target: Target, known: Sequence[int]) -> list[float] | None:
        """The model's scores; None where it has no statement of the target. A failed image ranks below all others."""
        given = [None if (scored := self._scores[index]) is None else scored[target] for index in known]
        if all(one is None for one in given):
            return None
        return [LOWEST if one is None else one for one in given]

    def _nuisance(self, target: Target, known: Sequence[int], judged: Ranked) -> Nuisance:
        taught = [(told, is_there(row, target)) for told, row in zip(self._taught, self._training, strict=True)]
        return nuisance_scores(
            [self._features[index] for index in known],
            positive=judged.positive,
            patients=judged.patients,
            training=[told for told, there in taught if there is not None],
            training_positive=[there for _, there in taught if there is not None],
        )
