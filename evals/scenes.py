"""Scenes for the question "does it see?": one background without a lesion, and a lesion at two places.

Half the scenes stand on real lesion-free radiographs (`evals.insertion`), half on phantoms; none is trained on. Lesions
are conspicuous and of a good size, since the question here is what the draft follows, not how faint a lesion it finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cases.phantom.image_set import case_seed
from cases.phantom.lesions import place_lesion
from cases.phantom.thorax import expose_thorax, project_thorax
from cases.study import PriorNote
from evals.insertion import NoPlaceError, Tier, insert_nodule
from evals.matching import distance_px_1024
from evals.simulated import displayed, known
from evals.sources import Backgrounds, normals
from evals.trial import Lesion

DIAMETERS_MM = (18.0, 40.0)
MOVED_PX_1024 = 200.0  # the two places are at least this far apart
SCENE_SEED_OFFSET = 5_000  # phantoms of scenes are not those of `evals.simulated`
NOTE_DATE = date(2020, 3, 17)
# Wordings of the prior note, for evaluation only.
WORDINGS = (
    "Previous film reviewed: solitary pulmonary nodule projected over the {side} {zone} zone, {size} mm across.",
    "CXR last year reported a {size} mm coin lesion, {side} side, {zone} zone. Radiology suggested interval imaging.",
    "Known lung nodule ({side} {zone} zone, approx. {size} mm on the earlier radiograph), for surveillance.",
    "Old report: nodular density {size} mm at the {side} {zone} zone; remaining lungs unremarkable.",
)


class Ground(StrEnum):
    """What the lesion was put into."""

    REAL = "real"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class View:
    """A picture and the one lesion in it."""

    pixels: NDArray[np.uint16]
    lesion: Lesion


@dataclass(frozen=True, slots=True)
class Scene:
    """One background, three pictures, one note.

    Attributes:
        without: no lesion. here, there: a lesion of the same tier at two places.
        note: truthful about the lesion `here`, at an earlier time.
        patient: cluster for intervals; the scene's own where nobody was asked.
        notes: those that the folder gives for the background, newest first.
        view_position: of the background.
    """

    scene_id: str
    ground: Ground
    without: NDArray[np.uint16]
    here: View
    there: View
    note: PriorNote
    patient: str = ""
    notes: tuple[PriorNote, ...] = ()
    view_position: str | None = "PA"


def real_scenes(folder: Path, *, seed: int, most: int) -> Iterator[Scene]:
    """At most so many scenes on the unseen "No Finding" radiographs of a folder, patient by patient."""
    backgrounds = Backgrounds(normals(folder), seed=seed)
    for index in range(most):
        random = np.random.default_rng([seed, index, 1])
        row, pixels, field = backgrounds.take()
        views: list[View] = []
        try:
            for _ in range(2):
                taken = [view.lesion.box for view in views]
                inserted = insert_nodule(
                    pixels,
                    field=field,
                    tier=Tier.CONSPICUOUS,
                    random=random,
                    diameters_mm=DIAMETERS_MM,
                    apart_from=taken,
                )
                views.append(View(inserted.pixels, inserted.lesion))
        except NoPlaceError:
            continue
        if _apart(*views):
            note = prior_note(views[0].lesion, random)
            yield Scene(
                scene_id=f"real-{index:05d}",
                ground=Ground.REAL,
                without=pixels,
                here=views[0],
                there=views[1],
                note=note,
                patient=row.patient,
                notes=row.notes,
                view_position=row.view or "PA",
            )


def simulated_scenes(*, seed: int, most: int) -> Iterator[Scene]:
    """At most so many scenes on phantoms."""
    for index in range(most):
        random = np.random.default_rng([seed, index, 2])
        anatomy = project_thorax(seed=case_seed(seed, SCENE_SEED_OFFSET + index))
        diameter = float(random.uniform(*DIAMETERS_MM))
        try:
            here = place_lesion(anatomy, random, diameter_mm=diameter)
            there = place_lesion(anatomy, random, diameter_mm=diameter, others=(here.lesion,))
        except ValueError:
            continue
        views = [
            View(displayed(expose_thorax(anatomy, added_mm=p.added_mm).pixels), known(p.lesion)) for p in (here, there)
        ]
        if _apart(*views):
            note = prior_note(views[0].lesion, random)
            without = displayed(expose_thorax(anatomy).pixels)
            yield Scene(f"phantom-{index:05d}", Ground.SIMULATED, without, views[0], views[1], note)


def prior_note(lesion: Lesion, random: np.random.Generator) -> PriorNote:
    """A truthful earlier note about a lesion: same place, its size then (smaller, alike or larger)."""
    size = (lesion.diameter_mm or lesion.box.width * 375) * float(random.choice([0.6, 1.0, 1.5]))
    x, y = lesion.box.center
    text = WORDINGS[int(random.integers(len(WORDINGS)))].format(
        side="right" if x < 0.5 else "left",  # image left is the patient's right
        zone="upper" if y < 0.33 else "mid" if y < 0.5 else "lower",
        size=round(size),
    )
    return PriorNote("prior-1", NOTE_DATE, "report", text)


def _apart(here: View, there: View) -> bool:
    rows, columns = here.pixels.shape
    apart = distance_px_1024(here.lesion.box.center, there.lesion.box.center, columns=columns, rows=rows)
    return apart >= MOVED_PX_1024
