"""Write what the embedded model's training images are like beside its weights: one file, bound to their hash.

Run `python -m vlm.embedded.typical --cases ../shared/data/cxr_nih` after every change of the weights. Two groups: the
real radiographs of the split "train", and simulated ones. Every second real one is trimmed to another shape: the
folder's are all square, and a film that is not must not look odd for its black margin alone. Three patients in four are
fitted on; the others set the threshold, so that it is not set on images that the statistics know. The split "dev" is
never read.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from grounding.typicality import Typical, fitted, threshold_of
from vlm.backend import FeatureBackend
from vlm.typical_file import TypicalGroups, write_typical
from vlm.unlike_training import features_of

DIRECTIONS = 32
SHARE = 0.025  # of the kept-out images at or over the threshold: of 300, so few that the interval stays under 5 %
TRIMMED = 0.22  # most of a side that is taken off every second image
KEPT_OUT = 4  # one patient in so many
SIMULATED = 200
FIRST_SEED = 310_000  # apart from the demo's, the evaluation's and the training's
FULL_SCALE = 257

Picture = tuple[str, NDArray[np.uint16]]


def real_pictures(folder: Path, *, most: int | None = None) -> Iterator[Picture]:
    """(patient, pixels) of the training split, in the manifest's order."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "train"]
    for index, row in enumerate(rows[:most]):
        with Image.open(folder / row["file"]) as picture:
            grey = np.asarray(picture.convert("L"), dtype=np.uint16)
        shown = trimmed(grey, random=np.random.default_rng([FIRST_SEED, index])) if index % 2 else grey
        yield row["patient"], np.ascontiguousarray(shown) * np.uint16(FULL_SCALE)


def trimmed(pixels: NDArray[np.uint16], *, random: np.random.Generator) -> NDArray[np.uint16]:
    """The picture without a part of its rows or of its columns, taken off at both ends."""
    axis = int(random.integers(2))
    length = pixels.shape[axis]
    off = int(random.uniform(0.0, TRIMMED) * length)
    before = int(random.integers(off + 1))
    return pixels.take(range(before, length - (off - before)), axis=axis)


def simulated_pictures(count: int) -> Iterator[Picture]:
    """(seed, pixels) of simulated cases that nothing else uses."""
    from cases.phantom.simulated import simulated_case

    for seed in range(FIRST_SEED, FIRST_SEED + count):
        picture = np.clip(simulated_case(seed=seed).pixels, 0.0, 1.0)
        yield str(seed), np.rint(picture * 65535).astype(np.uint16)


def typical_of(pictures: Iterable[Picture], backend: FeatureBackend) -> tuple[Typical, int]:
    """The statistics of a group with its threshold, and how many pictures there were.

    Raises:
        ValueError: too few pictures on either side of the split.
    """
    known: list[NDArray[np.float32]] = []
    kept: list[NDArray[np.float32]] = []
    for patient, pixels in pictures:
        (kept if is_kept_out(patient) else known).append(features_of(pixels, backend=backend))
    if not kept:
        msg = "no picture was kept out of the fit, so nothing can set a threshold: give more patients"
        raise ValueError(msg)
    one = fitted(np.stack(known), directions=DIRECTIONS)
    distances = np.array([one.distance(features) for features in kept])
    return replace(one, threshold=threshold_of(distances, share=SHARE)), len(known) + len(kept)


def is_kept_out(patient: str) -> bool:
    """Whether a patient only sets the threshold; by hash, so always the same ones."""
    return hashlib.sha256(f"typical {patient}".encode()).digest()[0] % KEPT_OUT == 0


def main() -> None:
    """Parse the command line, fit and write."""
    from vlm.backends.transformers_local import TransformersLocal
    from vlm.registry import embedded_spec

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=Path, required=True, help="folder with manifest.csv and images")
    parser.add_argument("--n", type=int, default=None, help="most real images (default: all)")
    parser.add_argument("--simulated", type=int, default=SIMULATED, help="simulated images (default: %(default)s)")
    arguments = parser.parse_args()
    spec = embedded_spec()
    backend = TransformersLocal(spec)
    real, reals = typical_of(real_pictures(arguments.cases, most=arguments.n), backend)
    simulated, simulations = typical_of(simulated_pictures(arguments.simulated), backend)
    groups = TypicalGroups({"real": real, "simulated": simulated}, reals + simulations)
    path = write_typical(groups, spec=spec, folder=spec.local_folder)
    print(f"{path}: {reals} real and {simulations} simulated images, weights {spec.content[:12]}")  # noqa: T201


if __name__ == "__main__":
    main()
