"""What a model's training images are like, as a file beside its weights, bound to them by hash.

Safetensors without any pickle: for each group of images (real, simulated) the arrays of `grounding.typicality`. The
metadata names the model's content; a file fitted on other weights is refused in words and never used, since features of
one tower say nothing about another's. Written by `python -m vlm.embedded.typical`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from grounding.typicality import Typical
from vlm.errors import ModelLoadError
from vlm.model_spec import ModelSpec

FILE: Final = "typical.safetensors"
FORMAT: Final = "1"
LARGEST_BYTES: Final = 200_000
ARRAYS: Final = ("mean", "scale", "directions", "variances", "numbers")


class TypicalError(ModelLoadError):
    """Statistics that are not there, unreadable, or of other weights; the text says the way out."""


@dataclass(frozen=True, slots=True, eq=False)
class TypicalGroups:
    """What each group of training images is like, by the group's name, and how many it was fitted on."""

    groups: Mapping[str, Typical]
    images: int

    def unlikeness(self, features: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
        """How unlike the nearest group; 1 or more is unlike all of them."""
        return min(one.unlikeness(features) for one in self.groups.values())


def write_typical(groups: TypicalGroups, *, spec: ModelSpec, folder: Path) -> Path:
    """Write the file into a model's folder.

    Raises:
        TypicalError: it would be larger than is read.
    """
    from safetensors.numpy import save_file

    arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32 | np.float16]]] = {}
    for name, one in groups.groups.items():
        arrays[f"{name}.mean"], arrays[f"{name}.scale"] = one.mean, one.scale
        arrays[f"{name}.directions"] = one.directions.astype(np.float16)
        arrays[f"{name}.variances"] = one.variances
        arrays[f"{name}.numbers"] = np.array([one.rest, one.threshold], np.float32)
    about = {"format": FORMAT, "model_id": spec.model_id, "content": spec.content, "images": str(groups.images)}
    path = folder / FILE
    save_file(arrays, path, metadata=about)
    if path.stat().st_size > LARGEST_BYTES:
        msg = f"{FILE} has {path.stat().st_size:,} bytes, over {LARGEST_BYTES:,}: fit fewer directions"
        raise TypicalError(msg)
    return path


def read_typical(spec: ModelSpec) -> TypicalGroups:
    """The statistics of a model's training images.

    Raises:
        TypicalError: there are none, they cannot be read, or they are of other weights.
    """
    path = spec.local_folder / FILE
    if not path.is_file():
        msg = f"{spec.model_id} has no {FILE} beside its weights: how unlike its training an image is, is not measured"
        raise TypicalError(msg)
    if path.stat().st_size > LARGEST_BYTES:
        msg = f"{path.name} of {spec.model_id} has more than {LARGEST_BYTES:,} bytes: fit it again"
        raise TypicalError(msg)
    about, arrays = _opened(path)
    _refuse_other(about, spec)
    try:
        return _groups(about, arrays)
    except (KeyError, ValueError) as fault:
        msg = f"{path.name} of {spec.model_id} does not hold what it should ({type(fault).__name__}): fit it again"
        raise TypicalError(msg) from fault


def _opened(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            about = dict(file.metadata() or {})
            return about, {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError) as fault:
        msg = f"{path.name} cannot be read ({type(fault).__name__}): fit it again"
        raise TypicalError(msg) from fault


def _refuse_other(about: Mapping[str, str], spec: ModelSpec) -> None:
    if about.get("format") != FORMAT:
        msg = f"{FILE} of {spec.model_id} has format {about.get('format')!r}, not {FORMAT!r}: fit it again"
        raise TypicalError(msg)
    if about.get("content") != spec.content:
        msg = (
            f"{FILE} was fitted on the weights {about.get('content', 'none')[:12]}..., {spec.model_id} has "
            f"{spec.content[:12]}...: fit it again with `python -m vlm.embedded.typical`"
        )
        raise TypicalError(msg)


def _groups(
    about: Mapping[str, str], arrays: Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]
) -> TypicalGroups:
    names = sorted({name.partition(".")[0] for name in arrays})
    made = {}
    for name in names:
        mean, scale, directions, variances, numbers = (arrays[f"{name}.{part}"] for part in ARRAYS)
        rest, threshold = (float(number) for number in numbers)
        made[name] = Typical(mean, scale, directions, variances, rest=rest, threshold=threshold)
    if not made:
        msg = "no group"
        raise ValueError(msg)
    return TypicalGroups(made, int(about["images"]))
