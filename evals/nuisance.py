"""The nuisance baseline: how well a label is told from what should not matter: source, view, file size, grey levels.

A logistic regression (scikit-learn) on the image's provenance and its grey histogram, which knows no place in the
image. A model whose figure does not beat it has shown nothing about what it sees. It is fitted on the folder's training
split, never on the images that it is judged on; where the folder has none, each patient is scored by a fit on others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from evals.manifest import ManifestRow

BINS = 16
FOLDS = 5
FEATURES = "source, view, file size, image size, grey histogram"
ON_TRAINING, ON_OTHERS = "the folder's training split", "the other patients of the same images, in 5 folds"

Features = dict[str, str | float]


@dataclass(frozen=True, slots=True)
class Nuisance:
    """The baseline's scores.

    Attributes:
        scores: one a judged image, its decision value; None where it could not be fitted.
        fitted_on: what taught it.
    """

    scores: tuple[float, ...] | None
    fitted_on: str


def nuisance_features(row: ManifestRow) -> Features:
    """What the baseline is given of an image; nothing else of the row, and no place in it."""
    size = row.path.stat().st_size
    with Image.open(row.path) as image:
        columns, rows = image.size
        counts = np.asarray(image.convert("L").histogram(), dtype=np.float64)
    shares = counts.reshape(BINS, -1).sum(axis=1) / counts.sum()
    told: Features = {"source": row.source, "view": row.view or "", "file": math.log(size)}
    told |= {"columns": math.log(columns), "rows": math.log(rows)}
    return told | {f"grey{index:02d}": float(share) for index, share in enumerate(shares)}


def nuisance_scores(
    judged: Sequence[Features],
    *,
    positive: Sequence[bool],
    patients: Sequence[str],
    training: Sequence[Features] = (),
    training_positive: Sequence[bool] = (),
) -> Nuisance:
    """The baseline's score of each judged image.

    Args:
        judged: features of the images that are judged.
        positive: their truth; only looked at where there is no training split.
        patients: of the judged images.
        training: features of images of other patients.
        training_positive: their truth.
    """
    if len(set(training_positive)) == 2:
        fitted = _regression().fit(list(training), list(training_positive))
        return Nuisance(tuple(map(float, fitted.decision_function(list(judged)))), ON_TRAINING)
    return Nuisance(_out_of_fold(judged, positive, patients), ON_OTHERS)


def _out_of_fold(
    judged: Sequence[Features], positive: Sequence[bool], patients: Sequence[str]
) -> tuple[float, ...] | None:
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    folds = min(FOLDS, len(set(patients)), sum(positive), len(positive) - sum(positive))
    if folds < 2:
        return None
    cut = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    try:
        scores = cross_val_predict(
            _regression(), list(judged), list(positive), groups=list(patients), cv=cut, method="decision_function"
        )
    except ValueError:  # a fold whose other patients are all of one kind
        return None
    return tuple(map(float, scores))


def _regression() -> Any:  # noqa: ANN401 - scikit-learn is imported late and has no types
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(DictVectorizer(sparse=False), StandardScaler(), LogisticRegression(max_iter=5000))
