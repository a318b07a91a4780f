"""Backgrounds to train on: real radiographs of the training patients and simulated thoraces, as 8-bit squares.

Pictures are re-encoded to one size and one encoding here, because the copies they come from predict their labels
(their file size alone does). Patients are split by hash into train and tune; the development split is never read.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from scipy import ndimage

STORED_SIDE_PX = 352
NODULAR = frozenset({"Nodule", "Mass"})


@dataclass(frozen=True, slots=True)
class Backgrounds:
    """Pictures and, for each, where a lesion may lie.

    Attributes:
        pixels: (n, side, side) uint8, bright is dense.
        lungs: (n, 32, 32) float32, probability weight of a lesion's centre in each coarse cell.
        nodular: (n,) bool, whether the picture's own labels name a nodule or mass (place unknown).
    """

    pixels: NDArray[np.uint8]
    lungs: NDArray[np.float32]
    nodular: NDArray[np.bool_]

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
    pixels, nodular = [], []
    with (folder / "manifest.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] != "train" or is_tune(row["patient"]) != tune:
                continue
            pixels.append(_square(folder / row["file"]))
            nodular.append(bool(NODULAR & set(row["labels_text_mined"].split("|"))))
    return Backgrounds(np.stack(pixels), np.stack([lung_weights(p) for p in pixels]), np.array(nodular))


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
    return Backgrounds(np.stack(pixels), np.stack(lungs), np.zeros(count, bool))


def joined(*parts: Backgrounds) -> Backgrounds:
    """Several sets as one."""
    return Backgrounds(
        np.concatenate([part.pixels for part in parts]),
        np.concatenate([part.lungs for part in parts]),
        np.concatenate([part.nodular for part in parts]),
    )
