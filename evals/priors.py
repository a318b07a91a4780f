"""What does a prior note do to a draft? Among lesions that the image-only draft finds, each is told of in several ways.

Every scene is drafted without a note first; only a lesion that this draft points at is asked about (`found`). Then:

- truthful notes, with the lesion's size then: it is the same, larger or smaller now, new (the note saw nothing), or
  gone (the image is the one without it). Right: the sentence that points at the lesion states that change; for gone, a
  sentence says so and no box points at the place.
- lies: the note tells of a lesion where there is none ("there"), says that it has gone ("gone"), or has it on the other
  side. Following the image: the draft still points at the lesion, shows nothing new at the place that the note made up,
  does not say that there is nothing, and has the image's side.

Lesions are inserted (`evals.scenes`); notes are worded apart from all training (`evals.note_wording`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from cases.draft import Draft, ModelIdentity
from cases.study import PriorNote
from evals.clustered import clustered_share
from evals.faults import Faults, draft_faults
from evals.matching import points_at
from evals.note_wording import SIDE_MM, Remark, note_of, note_of_gone, remark_on
from evals.rate import Figure, Rate
from evals.scenes import NOTE_DATE, Ground, Scene
from evals.trial import Drafter, Lesion, image_of, trial_case
from grounding.box import Box
from grounding.findings import Finding
from grounding.report import GroundedSentence, Laterality, Polarity, Progression

THEN = {"same": (0.95, 1.05), "larger": (0.4, 0.6), "smaller": (1.7, 2.3)}  # size in the note over size now
LESIONS = frozenset({Finding.NODULE.value, Finding.MASS.value})
LATER = timedelta(days=30)


class Change(StrEnum):
    """What became of the lesion since a truthful note."""

    SAME = "same"
    LARGER = "larger"
    SMALLER = "smaller"
    NEW = "new"
    GONE = "gone"


class Lie(StrEnum):
    """How a note is wrong."""

    THERE = "there"
    GONE = "gone"
    OTHER_SIDE = "other_side"


STATED = {
    Change.SAME: Progression.STABLE,
    Change.LARGER: Progression.WORSE,
    Change.SMALLER: Progression.IMPROVED,
    Change.NEW: Progression.NEW,
}
Asked = Change | Lie


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the draft made of one note on one found lesion."""

    asked: Asked
    patient: str
    right: bool


@dataclass(frozen=True, slots=True)
class PriorsResult:
    """All verdicts of a run.

    Attributes:
        found: scenes whose lesion the image-only draft points at, of scenes drafted.
        verdicts: one for each note on each found lesion.
    """

    found: Rate
    verdicts: tuple[Verdict, ...]
    faults: Faults
    seed: int
    model: ModelIdentity | None

    def share(self, asked: Iterable[Asked]) -> Figure:
        """Right verdicts of these questions, interval by patient."""
        kinds = [(type(one), one.value) for one in asked]
        chosen = [v for v in self.verdicts if (type(v.asked), v.asked.value) in kinds]
        return clustered_share([v.right for v in chosen], [v.patient for v in chosen], seed=self.seed)

    def as_dict(self) -> dict[str, object]:
        """The shape of `overread eval priors --json`."""
        return {
            "n_images": self.found.total,
            "n_found": self.found.count,
            "found": self.found.as_dict(),
            "seed": self.seed,
            "model": None if self.model is None else asdict(self.model),
            "progression_right": self.share(Change).as_dict(),
            "by_change": {change.value: self.share((change,)).as_dict() for change in Change},
            "follows_image": self.share(Lie).as_dict(),
            "by_lie": {lie.value: self.share((lie,)).as_dict() for lie in Lie},
            "faults": self.faults.as_dict(),
            "lesions": "inserted, conspicuous, 18 to 40 mm; each found one is asked about with every note",
            "intervals": "95 %, bootstrap of whole patients (Wilson over patients where all or none were right)",
        }


def run(scenes: Iterable[Scene], *, draft: Drafter, seed: int) -> PriorsResult:
    """Draft every scene without a note, and each found lesion with every note.

    Args:
        scenes: taken one at a time.
        draft: the product's own path.
        seed: that the scenes were made with; also of the notes and of the bootstrap.
    """
    drafts: list[Draft] = []
    verdicts: list[Verdict] = []
    found: list[bool] = []
    for index, scene in enumerate(scenes):
        panel = _Panel(scene, draft, drafts, np.random.default_rng([seed, index, 3]))
        found.append(panel.found)
        if panel.found:
            patient = scene.patient or scene.scene_id
            verdicts += [Verdict(change, patient, panel.progression_right(change)) for change in Change]
            verdicts += [Verdict(lie, patient, panel.follows_image(lie)) for lie in Lie]
    return PriorsResult(
        Rate(sum(found), len(found)), tuple(verdicts), draft_faults(drafts), seed, drafts[0].model if drafts else None
    )


class _Panel:
    """One scene's lesion: the image-only draft, and the drafts under each note."""

    def __init__(self, scene: Scene, draft: Drafter, drafts: list[Draft], random: np.random.Generator) -> None:
        self._scene, self._draft, self._drafts, self._random = scene, draft, drafts, random
        lesion = scene.here.lesion
        self._size = size_mm(lesion)
        self._remark = remark_on(lesion.box, size_mm=self._size)
        self._alone = self._drafted(scene.here.pixels, None)
        self.found = bool(self._pointing(self._alone, lesion.box))

    def progression_right(self, change: Change) -> bool:
        """Whether the draft under a truthful note states the change."""
        if change is Change.GONE:
            return self._says_gone()
        remarks = []
        if change is not Change.NEW:
            then = self._size * self._random.uniform(*THEN[change.value])
            remarks.append(Remark(self._remark.side, self._remark.zone, then))
        pointing = self._told(note_of(remarks, self._random))[1]
        return bool(pointing) and all(one.progression is STATED[change] for one in pointing)

    def _says_gone(self) -> bool:
        draft = self._drafted(self._scene.without, note_of([self._remark], self._random))
        if self._pointing(draft, self._scene.here.lesion.box):
            return False
        return any(
            one.finding in LESIONS
            and one.progression is Progression.RESOLVED
            and one.laterality.value in (self._remark.side, Laterality.NOT_STATED.value)
            for one in _sentences(draft)
        )

    def follows_image(self, lie: Lie) -> bool:
        """Whether the draft under a lying note still says what the image shows."""
        draft, pointing = self._told(self._lie(lie))
        if not pointing or _denies(draft) or self._claimed(draft, lie):
            return False
        sides = (self._remark.side, Laterality.NOT_STATED.value)
        return lie is not Lie.OTHER_SIDE or all(one.laterality.value in sides for one in pointing)

    def _lie(self, lie: Lie) -> str:
        if lie is Lie.GONE:
            return note_of_gone(self._random)
        remark = self._remark.other_side
        if lie is Lie.THERE:
            there = self._scene.there.lesion
            remark = remark_on(there.box, size_mm=size_mm(there))
        return note_of([remark], self._random)

    def _claimed(self, draft: Draft, lie: Lie) -> bool:
        """Whether the draft shows, or states without showing, what only the note knows of."""
        if lie is Lie.GONE:
            return False
        place = self._scene.there.lesion.box if lie is Lie.THERE else self._scene.here.lesion.box.mirrored()
        new = self._pointing(draft, place) and not self._pointing(self._alone, place)
        unshown = [one for one in _sentences(draft) if _claims(one) and not one.boxes]
        return bool(new or unshown)

    def _told(self, note: str) -> tuple[Draft, tuple[GroundedSentence, ...]]:
        """The draft of the image with the lesion under a note, and its sentences that point at the lesion."""
        draft = self._drafted(self._scene.here.pixels, note)
        return draft, self._pointing(draft, self._scene.here.lesion.box)

    def _pointing(self, draft: Draft, place: Box) -> tuple[GroundedSentence, ...]:
        rows, columns = self._scene.here.pixels.shape
        return tuple(
            one
            for one in _sentences(draft)
            if any(points_at(box.center, place, columns=columns, rows=rows) for box in one.boxes)
        )

    def _drafted(self, pixels: NDArray[np.uint16], note: str | None) -> Draft:
        image = image_of(pixels, view=self._scene.view_position, simulated=self._scene.ground is Ground.SIMULATED)
        notes = () if note is None else with_note(note, self._scene.notes)
        drafted = self._draft(trial_case(self._scene.scene_id, image, notes=notes), pixels=pixels)
        self._drafts.append(drafted)
        return drafted


def with_note(text: str, others: Sequence[PriorNote]) -> tuple[PriorNote, ...]:
    """An evaluation note before the folder's own: it is the newest, so it is the one to compare with."""
    dates = [note.written for note in others if note.written is not None]
    written: date = max([NOTE_DATE, *(day + LATER for day in dates)])
    return (PriorNote("evaluation-note", written, "report", text), *others)


def size_mm(lesion: Lesion) -> float:
    """The lesion's size: as inserted, else the width of its box, with the image side taken as 375 mm."""
    return lesion.diameter_mm or lesion.box.width * SIDE_MM


def _sentences(draft: Draft) -> tuple[GroundedSentence, ...]:
    return draft.report.sentences if draft.report is not None else ()


def _claims(one: GroundedSentence) -> bool:
    return one.finding in LESIONS and one.polarity is Polarity.PRESENT


def _denies(draft: Draft) -> bool:
    """Whether the draft says that there is no lesion at all (one that has gone is another matter)."""
    return any(
        one.finding in LESIONS and one.polarity is Polarity.ABSENT and one.progression is not Progression.RESOLVED
        for one in _sentences(draft)
    )
