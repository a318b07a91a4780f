"""How unlike a model's training images a case's image is, as its own vision tower sees it.

Features of the tower, pooled over the image, are held against what training images gave (`vlm.typical_file`); the score
is 1 at the distance that few training images kept out of the fit reach, and grows beyond. A high score says that the
model was not taught on such images, not that its draft is wrong; a low one says nothing of the kind either. An image of
another body part, turned, inverted or blurred is what it is for; a rare disease is not. `overread eval unlikeness`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cases.pixels import Pixels, Rendered
from cases.study import Case, InputName
from vlm.backend import Backend, FeatureBackend
from vlm.families import family_named
from vlm.model_spec import ModelSpec
from vlm.preprocess import model_input
from vlm.prompt import is_missing
from vlm.typical_file import TypicalError, TypicalGroups, read_typical

UNLIKE: Final = 1.0  # the score from which on an image is unlike training


def unlikeness(case: Case, *, pixels: Rendered | None, backend: Backend) -> float | None:
    """How unlike the training images the current image is; 1 or more is unlike.

    Returns:
        None where it cannot be measured: no image, a backend that shows no features, or no statistics of these weights
        (`why_not_measured` says which).

    Raises:
        BackendError: the model broke down on the image.
    """
    if pixels is None or is_missing(case, InputName.CURRENT_IMAGE) or why_not_measured(backend) is not None:
        return None
    return unlike(Pixels.of(pixels).current, backend=backend)


def unlike(pixels: NDArray[np.uint16], *, backend: Backend) -> float:
    """The score of one rendered image.

    Raises:
        TypicalError: no statistics of these weights, or a backend that shows no features.
        BackendError: the model broke down on the image.
    """
    if not isinstance(backend, FeatureBackend):
        msg = f"the backend of {backend.spec.model_id} shows no features of an image: take a local model"
        raise TypicalError(msg)
    return _typical(backend.spec).unlikeness(features_of(pixels, backend=backend))


def features_of(pixels: NDArray[np.uint16], *, backend: FeatureBackend) -> NDArray[np.float32]:
    """The pooled features of a rendered image, laid in as for a draft."""
    spec = backend.spec
    image, _ = model_input(pixels, side=spec.input_side_px, fit=family_named(spec.family).fit)
    return backend.features(image=image)


def why_not_measured(backend: Backend) -> str | None:
    """Why this backend's unlikeness cannot be measured, in words; None where it can."""
    if not isinstance(backend, FeatureBackend):
        return f"the backend of {backend.spec.model_id} shows no features of an image"
    try:
        _typical(backend.spec)
    except TypicalError as fault:
        return str(fault)
    return None


@lru_cache(maxsize=4)
def _typical(spec: ModelSpec) -> TypicalGroups:
    """The statistics, read once for each model of a process."""
    return read_typical(spec)
