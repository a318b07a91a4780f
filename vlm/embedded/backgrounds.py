"""Backgrounds to train on: real radiographs of the training patients and simulated thoraces, as 8-bit squares.

Pictures are re-encoded to one size and one encoding here, because the copies they come from predict their labels
(their file size alone does). Patients are split by hash into train and tune; the development split is never read.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from scipy import ndimage

STORED_SIDE_PX = 352
CLEAN = "No Finding"
NODULAR = frozenset({"Nodule", "Mass"})
EFFUSIVE = frozenset({"Effusion"})
OPAQUE = frozenset({"Pneumonia", "Infiltration", "Atelectasis", "Consolidation", "Edema"})
NAMED = NODULAR | EFFUSIVE | OPAQUE | {CLEAN}


@dataclass(frozen=True, slots=True)
class Backgrounds:
    """Pictures and, for each, where a lesion may lie.

    Attributes:
        pixels: (n, side, side) uint8, bright is dense.
        lungs: (n, 32, 32) float32, probability weight of a lesion's centre in each coarse cell.
        nodular, effusive, opaque, other: (n,) bool, what the picture's own mined labels name (place unknown).
        share: (n,) float64, how often each is drawn; sums to 1.
    """

    pixels: NDArray[np.uint8]
    lungs: NDArray[np.float32]
    nodular: NDArray[np.bool_]
    effusive: NDArray[np.bool_]
    opaque: NDArray[np.bool_]
    other: NDArray[np.bool_]
    share: NDArray[np.float64]

    def draw(self, rng: np.random.Generator, *, nodular: bool) -> int:
        """The index of a picture whose labels name a nodule or mass, or of one whose labels do not."""
        share = np.where(self.nodular == nodular, self.share, 0.0)
        return int(rng.choice(len(self), p=share / share.sum()))

    def __len__(self) -> int:
        """How many pictures."""
        return len(self.pixels)


def is_tune(patient: str) -> bool:
    """Whether a training patient is kept apart for watching the training (one in twelve, by hash)."""
    return hashlib.sha256(patient.encode()).digest()[0] % 12 == 0


def _square(path: Path) -> NDArray[np.uint8]:
    with PilImage.open(path) as picture:
        grey = picture.convert("L").resize((STORED_SIDE_PX, STORED_SIDE_PX), PilImage.Resampling.BOX)
    return np.asarray(grey, np.uint8)


def lung_weights(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A coarse map (32, 32) of where the lungs are likely: dark places inside two ellipses of a frontal film."""
    small = np.asarray(PilImage.fromarray(pixels).resize((32, 32), PilImage.Resampling.BOX), np.float32)
    y, x = np.mgrid[0:32, 0:32] / 31.0
    prior = np.zeros((32, 32), np.float32)
    for middle in (0.31, 0.69):
        prior = np.maximum(prior, (((x - middle) / 0.17) ** 2 + ((y - 0.45) / 0.31) ** 2 < 1).astype(np.float32))
    air, count = ndimage.label(small < 0.5 * np.quantile(small[prior > 0], 0.3) + 8)
    edge = np.unique(np.concatenate([air[0], air[-1], air[:, 0], air[:, -1]]))
    prior[np.isin(air, edge[edge > 0])] = 0.0  # air around the body is dark too, but touches the frame
    if prior.sum() < 40 or count == 0:
        prior = np.maximum(prior, 1e-3)
    inside = small[prior > 0.5] if (prior > 0.5).any() else small
    dark = 1.0 / (1.0 + np.exp((small - np.quantile(inside, 0.6)) / 12.0))
    weights = prior * (0.06 + dark)
    return (weights / weights.sum()).astype(np.float32)


def nih_backgrounds(folder: Path, *, tune: bool) -> Backgrounds:
    """The training (or tune) patients of a folder in the format of `manifest.csv` + images.

    Raises:
        FileNotFoundError: the folder has no manifest.
    """
    with (folder / "manifest.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["split"] == "train" and is_tune(r["patient"]) == tune]
    pixels = [_square(folder / row["file"]) for row in rows]
    labels = [frozenset(row["labels_text_mined"].split("|")) for row in rows]
    strata = [(row["source"], row["view"]) for row in rows]
    nodular, effusive, opaque = (
        np.array([bool(names & found) for found in labels]) for names in (NODULAR, EFFUSIVE, OPAQUE)
    )
    other = np.array([bool(found - NAMED) for found in labels])
    lungs = np.stack([lung_weights(picture) for picture in pixels])
    share = balanced(strata, [CLEAN in found for found in labels])
    return Backgrounds(np.stack(pixels), lungs, nodular, effusive, opaque, other, share)


def balanced(strata: Sequence[object], clean: Sequence[bool]) -> NDArray[np.float64]:
    """How often to draw each picture so that, within its source and view, half of what is drawn has no finding.

    The source of a picture predicts its label; drawn like this, it no longer does. A stratum keeps its size.

    >>> balanced(["a", "a", "a", "b"], [True, False, False, True]).tolist()
    [0.375, 0.1875, 0.1875, 0.25]
    """
    keys = list(zip(strata, clean, strict=True))
    sizes, groups = Counter(strata), Counter(keys)
    kinds = Counter(stratum for stratum, _ in groups)
    share = [sizes[stratum] / kinds[stratum] / groups[stratum, is_clean] for stratum, is_clean in keys]
    return np.array(share) / len(keys)


def thorax_backgrounds(count: int, *, first_seed: int) -> Backgrounds:
    """Simulated thoraces from consecutive seeds; lesions go into their true lungs."""
    from cases.phantom.thorax import render_thorax

    pixels, lungs = [], []
    for seed in range(first_seed, first_seed + count):
        thorax = render_thorax(seed=seed, side_px=STORED_SIDE_PX)
        pixels.append(np.clip(thorax.pixels * 255, 0, 255).astype(np.uint8))
        mask = PilImage.fromarray((thorax.lung_mask.right | thorax.lung_mask.left).astype(np.uint8) * 255)
        weights = np.asarray(mask.resize((32, 32), PilImage.Resampling.BOX), np.float32) + 1e-3
        lungs.append((weights / weights.sum()).astype(np.float32))
    no = np.zeros(count, bool)
    return Backgrounds(np.stack(pixels), np.stack(lungs), no, no, no, no, np.full(count, 1 / count))


def joined(*parts: Backgrounds) -> Backgrounds:
    """Several sets as one, each drawn as often as the others."""
    arrays = {
        one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in dataclasses.fields(Backgrounds)
    }
    return Backgrounds(**{**arrays, "share": arrays["share"] / len(parts)})
