"""Scenes for the question "what changed?": one chest then and now, with a lesion whose size then and now is known.

The current picture is the same for new, worse, stable and improved; only the prior one differs, so nothing in the
current picture tells the change. For resolved, the current picture has no lesion and the prior one has it. Every prior
picture is another acquisition (`evals.acquisition`), with an inserted lesion (`evals.insertion`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cases.phantom.image_set import case_seed
from cases.phantom.thorax import expose_thorax, project_thorax
from evals.acquisition import drawn, taken
from evals.insertion import NoPlaceError, Tier, insert_sizes
from evals.lung_field import Mask
from evals.scenes import Ground
from evals.simulated import displayed
from evals.sources import Backgrounds, normals
from evals.trial import Lesion
from grounding.report import Progression

NOW_MM = (18.0, 28.0)
THEN = {  # size then over size now
    Progression.WORSE: (0.40, 0.60),
    Progression.STABLE: (0.95, 1.05),
    Progression.IMPROVED: (1.7, 2.1),
}
CHANGES = (
    Progression.NEW,
    Progression.WORSE,
    Progression.STABLE,
    Progression.IMPROVED,
    Progression.RESOLVED,
)
STUDY_DAY = date(2020, 3, 17)
DAYS_BETWEEN = (60, 900)
PHANTOM_OFFSET = 9_000  # phantoms of these scenes are no other measure's


@dataclass(frozen=True, slots=True)
class LongitudinalScene:
    """One chest now and in five pasts.

    Attributes:
        scene_id: opaque.
        ground: what the lesion was put into.
        patient: cluster for intervals.
        view_position: of both pictures.
        now: (rows, columns) uint16 with the lesion. without: the same without it.
        lesion: the truth about it now.
        priors: the picture then, for each of `CHANGES`, as acquired then.
        then_mm: size then, None where there was none.
        acquired_then: the prior picture's day; the current one's is `STUDY_DAY`.
    """

    scene_id: str
    ground: Ground
    patient: str
    view_position: str | None
    now: NDArray[np.uint16]
    without: NDArray[np.uint16]
    lesion: Lesion
    priors: Mapping[Progression, NDArray[np.uint16]]
    then_mm: Mapping[Progression, float | None]
    acquired_then: date

    def current(self, change: Progression) -> NDArray[np.uint16]:
        """The current picture of that change."""
        return self.without if change is Progression.RESOLVED else self.now


@dataclass(frozen=True, slots=True)
class Chest:
    """A chest without a lesion, and where its lungs are."""

    scene_id: str
    ground: Ground
    patient: str
    view_position: str | None
    pixels: NDArray[np.uint16]
    field: Mask


def real_scenes(folder: Path, *, n: int, seed: int) -> Iterator[LongitudinalScene]:
    """So many scenes on the unseen "No Finding" radiographs of a folder, patient by patient.

    Raises:
        ManifestError: the folder has none.
        NoPlaceError: no image of it takes the lesion.
    """
    backgrounds = Backgrounds(normals(folder), seed=seed)
    for index in range(n):
        yield _on_next(backgrounds, f"real-{index:05d}", np.random.default_rng([seed, index, 21]))


def simulated_scenes(*, n: int, seed: int) -> Iterator[LongitudinalScene]:
    """At most so many scenes on phantoms, each of its own patient; a phantom without room is passed over."""
    for index in range(n):
        anatomy = project_thorax(seed=case_seed(seed, PHANTOM_OFFSET + index))
        name = f"phantom-{index:05d}"
        chest = Chest(name, Ground.SIMULATED, name, "PA", displayed(expose_thorax(anatomy).pixels), anatomy.masks.both)
        try:
            yield scene_on(chest, np.random.default_rng([seed, index, 22]))
        except NoPlaceError:
            continue


def scene_on(chest: Chest, random: np.random.Generator) -> LongitudinalScene:
    """A scene on one chest.

    Raises:
        NoPlaceError: no place of it takes the lesion in all its sizes.
    """
    size = float(random.uniform(*NOW_MM))
    sizes = {change: size * float(random.uniform(*THEN[change])) for change in THEN}
    now, *before = insert_sizes(
        chest.pixels, field=chest.field, tier=Tier.CONSPICUOUS, random=random, diameters_mm=(size, *sizes.values())
    )
    then = {change: one.pixels for change, one in zip(sizes, before, strict=True)}
    then |= {Progression.NEW: chest.pixels, Progression.RESOLVED: now.pixels}
    return LongitudinalScene(
        scene_id=chest.scene_id,
        ground=chest.ground,
        patient=chest.patient,
        view_position=chest.view_position,
        now=now.pixels,
        without=chest.pixels,
        lesion=now.lesion,
        priors={change: taken(then[change], drawn(random)) for change in CHANGES},
        then_mm={**sizes, Progression.NEW: None, Progression.RESOLVED: size},
        acquired_then=STUDY_DAY - timedelta(days=int(random.integers(*DAYS_BETWEEN))),
    )


def _on_next(backgrounds: Backgrounds, scene_id: str, random: np.random.Generator) -> LongitudinalScene:
    """A scene on the next background that takes the lesion; every background is asked at most once."""
    for _ in range(backgrounds.count):
        row, pixels, field = backgrounds.take()
        try:
            return scene_on(Chest(scene_id, Ground.REAL, row.patient, row.view or "PA", pixels, field), random)
        except NoPlaceError:
            continue
    msg = "no lesion-free image of the folder has room for the lesion in all its sizes; give less exposed radiographs"
    raise NoPlaceError(msg)
