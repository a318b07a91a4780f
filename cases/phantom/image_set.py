"""A folder of simulated pictures with a manifest in the columns of the NIH development set, for judging localization.

8-bit PNG files named by number; the boxes stand in `manifest.csv` only, which a model never reads.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

from cases.phantom.simulated import SimulatedCase, simulated_case

COLUMNS = (
    "file",
    "split",
    "patient",
    "followup",
    "view",
    "age",
    "sex",
    "labels_text_mined",
    "labels_adjudicated",
    "boxes",
    "nih_split",
    "source",
)
SET_SEED = 500_000  # far from the demo's seeds


def simulated_set(n: int, seed: int, folder: Path) -> Path:
    """Write `n` pictures under `folder/images` and `folder/manifest.csv`; returns the manifest's path.

    The cases are those of `simulated_case` with seeds `case_seed(seed, 0..n-1)`.
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rows = [_write(simulated_case(seed=case_seed(seed, index)), folder) for index in range(n)]
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return manifest


def case_seed(seed: int, index: int) -> int:
    """The seed of one case of a set: sets of different seeds share no case (up to 10,000 cases each).

    >>> case_seed(1, 3)
    510003
    """
    return SET_SEED + 10_000 * seed + index


def _write(case: SimulatedCase, folder: Path) -> dict[str, str]:
    name = f"images/sim_{case.number}.png"
    Image.fromarray(np.round(np.clip(case.pixels, 0, 1) * 255).astype(np.uint8)).save(folder / name)
    kinds = sorted({lesion.kind.value.capitalize() for lesion in case.truth.lesions})
    boxes = [
        {"label": lesion.kind.value.capitalize(), **{k: round(v, 6) for k, v in lesion.box.as_dict().items()}}
        for lesion in case.truth.lesions
    ]
    return {
        "file": name,
        "split": "dev",
        "patient": f"sim_{case.number}",
        "followup": "0",
        "view": "PA",
        "age": str(case.age_years),
        "sex": case.sex,
        "labels_text_mined": "",
        "labels_adjudicated": "|".join(kinds) or "No Finding",
        "boxes": json.dumps(boxes) if boxes else "",
        "nih_split": "",
        "source": "overread parametric phantom",
    }
