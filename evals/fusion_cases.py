"""Cases that ask whether the context helps: a picture with or without a nodule, and notes that are truthful or wrong.

Half of the pictures have one nodule. Each case has a history (the nodule is new, as before, larger or smaller; or
there was never one, or it is gone), and two notes about the earlier film: one tells it as it was, the other misleads
about the current picture (a nodule denied, put on the other side, or made up). A truthful note says something of the
current picture, but not all: see `PRESENT_HISTORIES`. The indication fits the history. Pictures, places and words share
nothing with training.

Not here: what a model makes of them (`evals.fusion_answers`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path

import numpy as np

from cases.phantom.image_set import case_seed
from cases.phantom.lesions import Placed, place_lesion
from cases.phantom.thorax import Anatomy, expose_thorax, project_thorax
from cases.study import Case, InputName, InputState, MissingReason, PriorNote
from evals.insertion import SIDE_MM, NoPlaceError, Tier, insert_nodule
from evals.note_wording import Remark, note_of, remark_on
from evals.simulated import displayed, known
from evals.sources import HEADLINE_TIERS, Backgrounds, normals, trial_of
from evals.trial import Lesion, Trial, image_of, trial_case
from grounding.report import Laterality, Progression

PRESENT_HISTORIES = {
    Progression.NEW: 0.25,
    Progression.STABLE: 0.40,
    Progression.WORSE: 0.20,
    Progression.IMPROVED: 0.15,
}
RESOLVED_SHARE = 0.25  # of the pictures without a nodule; the others never had one
SIZE_BEFORE = {  # of the size now
    Progression.STABLE: (0.9, 1.1),
    Progression.WORSE: (0.40, 0.55),
    Progression.IMPROVED: (1.9, 2.5),
}
SIZES_MM = (10.0, 40.0)
NOTE_DATE = date(2020, 3, 17)
PHANTOM_TRIES = 8
PHANTOM_OFFSET = 7_000  # phantoms of these cases are not those of `evals.simulated` or `evals.scenes`

INDICATIONS = {  # by whether there was a nodule before
    True: ("Surveillance radiograph.", "Interval film as advised.", "Comes for the planned repeat film."),
    False: ("Two weeks of fever and cough.", "Before elective surgery.", "Occupational health visit."),
}


class Notes(StrEnum):
    """Which of a case's notes is given."""

    TRUTHFUL = "truthful"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class FusionCase:
    """One picture, its truth, and its two notes.

    Attributes:
        trial: the case with its image only; the truth about its lesions beside it.
        history: NEW, STABLE, WORSE or IMPROVED for a nodule that is there, RESOLVED for one that was, NOT_STATED where
            there never was one.
        truthful, wrong: about the earlier film.
        indication: why the picture was taken.
    """

    trial: Trial
    history: Progression
    truthful: PriorNote
    wrong: PriorNote
    indication: str

    @property
    def present(self) -> bool:
        """Whether the picture has a nodule."""
        return bool(self.trial.lesions)

    @property
    def sides(self) -> frozenset[Laterality]:
        """The patient's sides on which the picture has one."""
        return frozenset(Laterality(_remark(lesion).side) for lesion in self.trial.lesions)

    def note(self, notes: Notes) -> PriorNote:
        """The note of that kind."""
        return self.truthful if notes is Notes.TRUTHFUL else self.wrong

    def shown(self, inputs: frozenset[InputName], notes: Notes) -> Case:
        """The case with these inputs only; every other one is removed and says so."""
        case = self.trial.case
        given = inputs & {InputName.CURRENT_IMAGE, InputName.PRIOR_NOTES, InputName.INDICATION}
        states = tuple(
            InputState(name, present=True)
            if name in given
            else InputState(name, present=False, missing_reason=MissingReason.EXCLUDED)
            for name in InputName
        )
        return replace(
            case,
            notes=(self.note(notes),) if InputName.PRIOR_NOTES in given else (),
            indication=self.indication if InputName.INDICATION in given else None,
            inputs=states,
        )


def real_cases(folder: Path, *, n: int, seed: int) -> Iterator[FusionCase]:
    """So many cases on the unseen "No Finding" radiographs of a folder, patient by patient.

    Raises:
        ManifestError: the folder has none.
        NoPlaceError: no image of it takes a nodule.
    """
    backgrounds = Backgrounds(normals(folder), seed=seed)
    for index in range(n):
        random = np.random.default_rng([seed, index, 11])
        yield _told(_real_trial(backgrounds, index, random), random)


def phantom_cases(*, n: int, seed: int) -> Iterator[FusionCase]:
    """So many cases on phantoms, each of its own patient."""
    for index in range(n):
        random = np.random.default_rng([seed, index, 12])
        yield _told(_phantom_trial(index, seed, random), random)


def _with_nodule(index: int) -> bool:
    return index % 2 == 0


def _tier(index: int) -> Tier:
    return HEADLINE_TIERS[index // 2 % 2]


def _real_trial(backgrounds: Backgrounds, index: int, random: np.random.Generator) -> Trial:
    for _ in range(backgrounds.count):
        row, pixels, field = backgrounds.take()
        if not _with_nodule(index):
            return _bare(trial_of(row, pixels, f"fusion-{index:05d}", ()))
        try:
            made = insert_nodule(pixels, field=field, tier=_tier(index), random=random, diameters_mm=SIZES_MM)
        except NoPlaceError:
            continue
        return _bare(trial_of(row, made.pixels, f"fusion-{index:05d}", (made.lesion,)))
    msg = "no lesion-free image of the folder has room for a nodule under white; give less exposed radiographs"
    raise NoPlaceError(msg)


def _bare(trial: Trial) -> Trial:
    """Without notes of its own: those of a folder are about another truth."""
    return replace(trial, case=replace(trial.case, notes=()))


def _phantom_trial(index: int, seed: int, random: np.random.Generator) -> Trial:
    anatomy = project_thorax(seed=case_seed(seed, PHANTOM_OFFSET + index))
    lesions: tuple[Lesion, ...] = ()
    exposed = expose_thorax(anatomy)
    if _with_nodule(index):
        placed = _placed(anatomy, random)
        lesions, exposed = (known(placed.lesion),), expose_thorax(anatomy, added_mm=placed.added_mm)
    pixels, case_id = displayed(exposed.pixels), f"fusion-{index:05d}"
    return Trial(trial_case(case_id, image_of(pixels, view="PA", simulated=True)), pixels, case_id, lesions)


def _placed(anatomy: Anatomy, random: np.random.Generator) -> Placed:
    for _ in range(PHANTOM_TRIES):
        try:
            return place_lesion(anatomy, random, diameter_mm=float(random.uniform(*SIZES_MM)))
        except ValueError:  # no room for one of that size
            continue
    msg = f"a phantom had no room for a nodule in {PHANTOM_TRIES} tries; use another --seed"
    raise NoPlaceError(msg)


def _told(trial: Trial, random: np.random.Generator) -> FusionCase:
    """The case with a history that fits the picture, its notes and its indication."""
    history = _history(bool(trial.lesions), random)
    before = history not in (Progression.NEW, Progression.NOT_STATED)
    now = _remark(trial.lesions[0]) if trial.lesions else _anywhere(random)
    then = replace(now, size_mm=now.size_mm * float(random.uniform(*SIZE_BEFORE.get(history, (1.0, 1.0)))))
    if trial.lesions and before and random.random() < 0.5:
        contrary = note_of((), random)
    else:
        contrary = note_of((then if history is Progression.NOT_STATED else then.other_side,), random)
    return FusionCase(
        trial,
        history,
        _prior(note_of((then,) if before else (), random)),
        _prior(contrary),
        INDICATIONS[before][int(random.integers(len(INDICATIONS[before])))],
    )


def _prior(text: str) -> PriorNote:
    return PriorNote("prior-1", NOTE_DATE, "report", text)


def _history(present: bool, random: np.random.Generator) -> Progression:
    if present:
        names = list(PRESENT_HISTORIES)
        return names[int(random.choice(len(names), p=list(PRESENT_HISTORIES.values())))]
    return Progression.RESOLVED if random.random() < RESOLVED_SHARE else Progression.NOT_STATED


def _remark(lesion: Lesion) -> Remark:
    return remark_on(lesion.box, size_mm=lesion.diameter_mm or lesion.box.width * SIDE_MM)


def _anywhere(random: np.random.Generator) -> Remark:
    side, zone = ("right", "left")[int(random.integers(2))], ("upper", "mid", "lower")[int(random.integers(3))]
    return Remark(side, zone, float(random.uniform(*SIZES_MM)))
