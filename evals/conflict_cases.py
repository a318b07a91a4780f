"""Planted conflicts and their clean twins: one picture, a note that is false or stale about it, and one that is not.

Four kinds, by turns: a *false history* (the note tells of a nodule where there never was one; the picture has one
elsewhere), a *stale nodule* (the note's nodule is not in the picture), a *wrong side*, and a *resolved effusion* (the
note's effusion is not in the picture). The twin is the same picture with a note that is true of it and of its past:
where the picture has a nodule, that it was there before (alike, smaller or larger), or that there was none, since what
is new is no conflict; where it has none, that there was none or that it has gone.

Lesions are inserted, conspicuous, 18 to 40 mm: this asks what is made of a disagreement, not how faint a lesion is
found. Places and words share nothing with training. Not here: what is made of the cases (`evals.conflict`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path

import numpy as np

from cases.phantom.image_set import case_seed
from cases.phantom.lesions import place_lesion
from cases.phantom.thorax import expose_thorax, project_thorax
from cases.study import PriorNote
from evals.fusion_cases import PRESENT_HISTORIES, SIZE_BEFORE
from evals.insertion import SIDE_MM, NoPlaceError, Tier, insert_nodule
from evals.labels import Target, is_there
from evals.note_wording import (
    OTHER_SIDE,
    Remark,
    note_of,
    note_of_gone,
    note_of_no_effusion,
    note_with,
    remark_on,
    sentence_of,
    sentence_of_effusion,
)
from evals.simulated import displayed, known
from evals.sources import Backgrounds, normals, trial_of, unseen
from evals.trial import Lesion, Trial, image_of, trial_case
from grounding.report import Progression

DIAMETERS_MM = (18.0, 40.0)
NOTE_DATE = date(2020, 3, 17)
NOTE_ID = "prior-1"
PHANTOM_OFFSET = 11_000  # phantoms of these cases are those of no other measure
PHANTOM_TRIES = 8
FAR_ZONE = {"upper": "lower", "lower": "upper"}
ZONES = ("upper", "mid", "lower")
SIDES = ("right", "left")


class Planted(StrEnum):
    """In what the conflicting note is wrong about the picture."""

    FALSE_HISTORY = "false_history"
    STALE_NODULE = "stale_nodule"
    WRONG_SIDE = "wrong_side"
    RESOLVED_EFFUSION = "resolved_effusion"

    @property
    def shows_nodule(self) -> bool:
        """Whether the picture has a nodule."""
        return self in (Planted.FALSE_HISTORY, Planted.WRONG_SIDE)


@dataclass(frozen=True, slots=True)
class ConflictCase:
    """One picture with two notes.

    Attributes:
        trial: the case with its image only; the truth about its lesions beside it.
        statement: the sentence of the conflicting note that is false or stale.
        conflicting, clean: the notes.
        history: what became of the picture's nodule since the clean note; NOT_STATED for a picture without one.
    """

    planted: Planted
    trial: Trial
    statement: str
    conflicting: PriorNote
    clean: PriorNote
    history: Progression


def real_cases(folder: Path, *, n: int, seed: int) -> Iterator[ConflictCase]:
    """So many planted conflicts on the unseen "No Finding" radiographs of a folder, patient by patient.

    Raises:
        ManifestError: the folder has none.
        NoPlaceError: no image of it takes a nodule.
    """
    backgrounds = Backgrounds(normals(folder), seed=seed)
    for index in range(n):
        random = np.random.default_rng([seed, index, 21])
        yield with_notes(_kind(index), _real_trial(backgrounds, index, random), random)


def phantom_cases(*, n: int, seed: int) -> Iterator[ConflictCase]:
    """So many planted conflicts on phantoms, each of its own patient."""
    for index in range(n):
        random = np.random.default_rng([seed, index, 22])
        yield with_notes(_kind(index), _phantom_trial(index, seed, random), random)


def true_effusions(folder: Path, *, n: int, seed: int) -> Iterator[tuple[Trial, PriorNote]]:
    """At most so many unseen radiographs that are labelled with an effusion, each with a note that tells of one.

    The labels are mined from report text: about one in ten is wrong, and none names a side.
    """
    rows = [row for row in unseen(folder) if is_there(row, Target.EFFUSION)]
    for index, row in enumerate(rows[:n]):
        random = np.random.default_rng([seed, index, 23])
        trial = _without_notes(trial_of(row, row.pixels(), f"effusion-{index:05d}", ()))
        yield trial, _prior(note_with([sentence_of_effusion(None, random)], random))


def _without_notes(trial: Trial) -> Trial:
    """A folder's own notes are about another truth."""
    return replace(trial, case=replace(trial.case, notes=()))


def _kind(index: int) -> Planted:
    return tuple(Planted)[index % len(Planted)]


def _real_trial(backgrounds: Backgrounds, index: int, random: np.random.Generator) -> Trial:
    for _ in range(backgrounds.count):
        row, pixels, field = backgrounds.take()
        lesions: tuple[Lesion, ...] = ()
        if _kind(index).shows_nodule:
            try:
                made = insert_nodule(
                    pixels, field=field, tier=Tier.CONSPICUOUS, random=random, diameters_mm=DIAMETERS_MM
                )
            except NoPlaceError:
                continue
            pixels, lesions = made.pixels, (made.lesion,)
        return _without_notes(trial_of(row, pixels, f"conflict-{index:05d}", lesions))
    msg = "no lesion-free image of the folder has room for a nodule under white; give less exposed radiographs"
    raise NoPlaceError(msg)


def _phantom_trial(index: int, seed: int, random: np.random.Generator) -> Trial:
    anatomy = project_thorax(seed=case_seed(seed, PHANTOM_OFFSET + index))
    lesions: tuple[Lesion, ...] = ()
    exposed = expose_thorax(anatomy)
    for _ in range(PHANTOM_TRIES * _kind(index).shows_nodule):
        try:
            placed = place_lesion(anatomy, random, diameter_mm=float(random.uniform(*DIAMETERS_MM)))
        except ValueError:  # no room for one of that size
            continue
        lesions, exposed = (known(placed.lesion),), expose_thorax(anatomy, added_mm=placed.added_mm)
        break
    if _kind(index).shows_nodule and not lesions:
        msg = f"a phantom had no room for a nodule in {PHANTOM_TRIES} tries; use another --seed"
        raise NoPlaceError(msg)
    pixels, case_id = displayed(exposed.pixels), f"conflict-{index:05d}"
    return Trial(trial_case(case_id, image_of(pixels, view="PA", simulated=True)), pixels, case_id, lesions)


def with_notes(planted: Planted, trial: Trial, random: np.random.Generator) -> ConflictCase:
    """The picture with its two notes, from what is known of its lesions and from dice; the picture is not looked at."""
    if planted.shows_nodule:
        return _told_of_nodule(planted, trial, random)
    side = SIDES[int(random.integers(2))]
    if planted is Planted.STALE_NODULE:
        zone, size = ZONES[int(random.integers(3))], float(random.uniform(*DIAMETERS_MM))
        statement = sentence_of(Remark(side, zone, size), random)
        clean = note_of((), random) if random.random() < 0.5 else note_of_gone(random)
    else:
        statement, clean = sentence_of_effusion(side, random), note_of_no_effusion(random)
    conflicting = note_with([statement], random)
    return ConflictCase(planted, trial, statement, _prior(conflicting), _prior(clean), Progression.NOT_STATED)


def _told_of_nodule(planted: Planted, trial: Trial, random: np.random.Generator) -> ConflictCase:
    """The note's nodule is on the other side, or somewhere else, alone or beside the one that is there."""
    lesion = trial.lesions[0]
    now = remark_on(lesion.box, size_mm=lesion.diameter_mm or lesion.box.width * SIDE_MM)
    names = list(PRESENT_HISTORIES)
    history = names[int(random.choice(len(names), p=list(PRESENT_HISTORIES.values())))]
    then = replace(now, size_mm=now.size_mm * float(random.uniform(*SIZE_BEFORE.get(history, (1.0, 1.0)))))
    if planted is Planted.WRONG_SIDE:
        said = [sentence_of(then.other_side, random)]
    else:
        said = [sentence_of(_elsewhere(now, random), random)]
        if random.random() < 0.5:
            said.append(sentence_of(then, random))
    clean = note_of(() if history is Progression.NEW else (then,), random)
    return ConflictCase(planted, trial, said[0], _prior(note_with(said, random)), _prior(clean), history)


def _elsewhere(now: Remark, random: np.random.Generator) -> Remark:
    """Where nobody could mean the nodule that is there: not its mirror image, and no zone that touches its own."""
    zones = [zone for zone in ZONES if zone != now.zone]
    places = [(OTHER_SIDE[now.side], zone) for zone in zones]
    if now.zone in FAR_ZONE:
        places.append((now.side, FAR_ZONE[now.zone]))
    side, zone = places[int(random.integers(len(places)))]
    return Remark(side, zone, float(random.uniform(*DIAMETERS_MM)))


def _prior(text: str) -> PriorNote:
    return PriorNote(NOTE_ID, NOTE_DATE, "report", text)
