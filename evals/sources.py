"""Where trials come from: a folder of radiographs, with lesions inserted or with the boxes readers drew, or none.

Images of the split "train" are never used. Every trial is made from (seed, index) alone, so a run can be repeated or
continued, and only one image is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.insertion import Inserted, NoPlaceError, Tier, insert_nodule
from evals.lung_field import Mask, lung_field
from evals.manifest import ManifestError, ManifestRow, read_manifest
from evals.trial import Lesion, Trial, image_of, trial_case

TRAINING_SPLIT = "train"
HEADLINE_TIERS = (Tier.MODERATE, Tier.CONSPICUOUS)
SUBTLE_SHARE = 4  # one subtle trial for so many of the headline
SECOND_LESION = 0.2  # chance of a second lesion of the same tier


def unseen(folder: Path) -> tuple[ManifestRow, ...]:
    """The rows of a folder that no training ever uses."""
    return tuple(row for row in read_manifest(folder) if row.split != TRAINING_SPLIT)


def normals(folder: Path) -> tuple[ManifestRow, ...]:
    """The unseen rows labelled "No Finding" only, one image of each patient first, then second images, and so on.

    Raises:
        ManifestError: there are none.
    """
    found = [row for row in unseen(folder) if row.normal]
    if not found:
        msg = 'manifest.csv: no row outside the split "train" is labelled "No Finding" only; lesions need such images'
        raise ManifestError(msg)
    seen: dict[str, int] = {}
    ranked = []
    for row in found:
        ranked.append((seen.setdefault(row.patient, 0), row))
        seen[row.patient] += 1
    return tuple(row for _, row in sorted(ranked, key=lambda item: item[0]))


def inserted_trials(folder: Path, *, n: int, seed: int, subtle: int | None = None) -> Iterator[Trial]:
    """Nodules inserted into the folder's "No Finding" images: n of the headline tiers, then the subtle ones.

    Backgrounds are taken patient by patient and used again with other lesions when they run out; one without a lung
    field is passed over.

    Args:
        folder: with manifest.csv.
        n: headline trials, moderate and conspicuous by turns.
        seed: of places, sizes, contrasts and shapes.
        subtle: trials of the subtle tier; None for a quarter of n.
    """
    faint = n // SUBTLE_SHARE if subtle is None else subtle
    tiers = [HEADLINE_TIERS[index % 2] for index in range(n)] + [Tier.SUBTLE] * faint
    backgrounds = Backgrounds(normals(folder), seed=seed)
    for index, tier in enumerate(tiers):
        yield _inserted(backgrounds, index, tier, random=np.random.default_rng([seed, index]))


def boxed_trials(folder: Path) -> Iterator[Trial]:
    """The images with boxes that readers drew, as they are; the tier is the box's label."""
    for index, row in enumerate(row for row in unseen(folder) if row.boxes):
        lesions = tuple(Lesion(drawn.box, drawn.label) for drawn in row.boxes)
        yield trial_of(row, row.pixels(), f"boxed-{index:05d}", lesions)


def normal_trials(folder: Path, *, n: int) -> Iterator[Trial]:
    """The first n "No Finding" images as they are: every box on them is a false one."""
    for index, row in enumerate(normals(folder)[:n]):
        yield trial_of(row, row.pixels(), f"normal-{index:05d}", ())


def trial_of(row: ManifestRow, pixels: NDArray[np.uint16], case_id: str, lesions: tuple[Lesion, ...]) -> Trial:
    """A trial of this row's patient with these pixels; its notes, age and sex go along, its name does not."""
    case = trial_case(
        case_id,
        image_of(pixels, view=row.view, simulated=False),
        notes=row.notes,
        age_years=row.age_years,
        sex=row.sex,
    )
    return Trial(case, pixels, row.patient, lesions)


class Backgrounds:
    """Lesion-free radiographs with a lung field, in an order that visits every patient before any twice."""

    def __init__(self, rows: Sequence[ManifestRow], *, seed: int) -> None:
        """Shuffle by seed; each round of the same images comes in the same order."""
        order = np.random.default_rng([seed, 2**31]).permutation(len(rows))
        patients: dict[str, int] = {}
        for index in order:
            patients.setdefault(rows[index].patient, len(patients))
        first: dict[str, int] = {}
        ranked = []
        for index in order:
            row = rows[index]
            ranked.append((first.setdefault(row.patient, 0), patients[row.patient], row))
            first[row.patient] += 1
        self._rows = [row for *_, row in sorted(ranked, key=lambda item: item[:2])]
        self._fields: dict[Path, Mask] = {}
        self._next = 0

    @property
    def count(self) -> int:
        """How many images there are."""
        return len(self._rows)

    def take(self) -> tuple[ManifestRow, NDArray[np.uint16], Mask]:
        """The next background.

        Raises:
            NoPlaceError: no image of the folder has a lung field.
        """
        for _ in range(len(self._rows)):
            row = self._rows[self._next % len(self._rows)]
            self._next += 1
            pixels = row.pixels()
            if row.path not in self._fields:
                self._fields[row.path] = lung_field(pixels)
            if self._fields[row.path].any():
                return row, pixels, self._fields[row.path]
        msg = "no lung field was found in any lesion-free image of the folder; give frontal chest radiographs"
        raise NoPlaceError(msg)


def _inserted(backgrounds: Backgrounds, index: int, tier: Tier, *, random: np.random.Generator) -> Trial:
    row, field, first = _first_lesion(backgrounds, tier, random=random)
    shown = first.pixels
    lesions: tuple[Lesion, ...] = (first.lesion,)
    if random.random() < SECOND_LESION:
        try:
            second = insert_nodule(shown, field=field, tier=tier, random=random, apart_from=[first.lesion.box])
        except NoPlaceError:
            pass
        else:
            lesions, shown = (*lesions, second.lesion), second.pixels
    return trial_of(row, shown, f"inserted-{index:05d}", lesions)


def _first_lesion(
    backgrounds: Backgrounds, tier: Tier, *, random: np.random.Generator
) -> tuple[ManifestRow, Mask, Inserted]:
    """A lesion in the next background that takes one; every background is asked at most once."""
    for _ in range(backgrounds.count):
        row, pixels, field = backgrounds.take()
        try:
            return row, field, insert_nodule(pixels, field=field, tier=tier, random=random)
        except NoPlaceError:
            continue
    msg = f"no lesion-free image of the folder has room for a {tier} nodule under white; give less exposed radiographs"
    raise NoPlaceError(msg)
