"""Does a prior image tell the model what changed? Each found lesion is asked about by image, by note and by both.

Every scene (`evals.longitudinal_scenes`) is drafted from its current image alone first; only a lesion that this draft
points at is asked about (`found`). Then each of five changes is asked in three ways: with the prior image, with a
truthful prior note, and with both. Right: every sentence that points at the lesion states that change; for resolved,
no box points at the place and a sentence says so of the lesion's side (a sentence without a side counts).

A model that never reads a prior image is asked by the note alone, and the result says so in words: not being shown an
image is not being wrong about it. Lesions are inserted and the prior picture is the same chest under another
acquisition, so these are not figures on real follow-up films. Notes are worded apart from all training.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cases.draft import Draft, ModelIdentity
from cases.pixels import Pixels
from cases.study import Case, InputName, PriorNote
from evals.clustered import clustered_share
from evals.faults import Faults, draft_faults
from evals.longitudinal_figures import paired_difference
from evals.longitudinal_scenes import CHANGES, STUDY_DAY, LongitudinalScene
from evals.matching import points_at
from evals.note_wording import Remark, note_of, remark_on
from evals.rate import Figure, Rate
from evals.scenes import Ground
from evals.trial import Drafter, compared_case, image_of, trial_case
from grounding.findings import Finding
from grounding.report import GroundedSentence, Laterality, Progression
from vlm.families import Family

LESIONS: Final = frozenset({Finding.NODULE.value, Finding.MASS.value})
FAILED, NOT_SHOWN, MIXED = "failed", "not_shown", "mixed"  # answers that state no one change
ANSWERS: Final = (*(change.value for change in Progression), MIXED, NOT_SHOWN, FAILED)
NOT_USED: Final = "prior image not used by this model"


class Way(StrEnum):
    """What the model is given of the past."""

    IMAGE = "prior_image"
    NOTE = "prior_note"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the draft made of one change of one found lesion, told in one way.

    Attributes:
        change: the truth.
        answered: one of `ANSWERS`.
        right: whether that is the truth, at the right place.
    """

    scene: str
    patient: str
    change: Progression
    way: Way
    answered: str
    right: bool


@dataclass(frozen=True, slots=True)
class LongitudinalResult:
    """All verdicts of a run.

    Attributes:
        found: scenes whose lesion the image-only draft points at, of scenes drafted.
        ways: in which it was asked; without the prior image where the model never reads one.
    """

    found: Rate
    verdicts: tuple[Verdict, ...]
    ways: tuple[Way, ...]
    faults: Faults
    seed: int
    model: ModelIdentity | None
    ground: str

    def share(self, way: Way, change: Progression | None = None) -> Figure:
        """Right verdicts of a way (of one change, where named), interval by patient."""
        chosen = self._of(way, change)
        return clustered_share([v.right for v in chosen], [v.patient for v in chosen], seed=self.seed)

    def difference(self, more: Way, less: Way, change: Progression | None = None) -> Figure:
        """Share right in the first way less the second, of the same lesions and changes."""
        first, second = self._of(more, change), self._of(less, change)
        return paired_difference(
            [v.right for v in first], [v.right for v in second], [v.patient for v in first], seed=self.seed
        )

    def confusion(self, way: Way) -> dict[str, dict[str, int]]:
        """How often each true change was answered by each answer."""
        return {
            change.value: {
                answer: count for answer in ANSWERS if (count := self._answers(way, change).get(answer, 0)) > 0
            }
            for change in CHANGES
        }

    def as_dict(self) -> dict[str, object]:
        """The shape of `overread eval longitudinal --json`."""
        return {
            "n_images": self.found.total,
            "n_found": self.found.count,
            "found": self.found.as_dict(),
            "seed": self.seed,
            "model": None if self.model is None else asdict(self.model),
            "ground": self.ground,
            "prior_image": "used by this model" if Way.IMAGE in self.ways else NOT_USED,
            "progression_right": {way.value: self._told(way) for way in Way},
            "by_change": {
                way.value: {change.value: self.share(way, change).as_dict() for change in CHANGES} for way in self.ways
            },
            "confusion": {way.value: self.confusion(way) for way in self.ways},
            "prior_image_adds": self._adds(),
            "faults": self.faults.as_dict(),
            "lesions": "inserted, conspicuous, 18 to 28 mm now; each found one is asked about five changes, each way",
            "intervals": "95 %, bootstrap of whole patients (Wilson over patients where all or none were right)",
        }

    def _of(self, way: Way, change: Progression | None) -> list[Verdict]:
        """In one order for every way, so that they pair."""
        return [v for v in self.verdicts if v.way is way and change in (None, v.change)]

    def _answers(self, way: Way, change: Progression) -> Counter[str]:
        return Counter(verdict.answered for verdict in self._of(way, change))

    def _told(self, way: Way) -> object:
        return self.share(way).as_dict() if way in self.ways else NOT_USED

    def _adds(self) -> object:
        """What the prior image adds: to a truthful note, and in its stead."""
        if Way.IMAGE not in self.ways:
            return NOT_USED
        return {
            "both_less_note": self.difference(Way.BOTH, Way.NOTE).as_dict(),
            "image_less_note": self.difference(Way.IMAGE, Way.NOTE).as_dict(),
            "both_less_image": self.difference(Way.BOTH, Way.IMAGE).as_dict(),
            "both_less_note_by_change": {
                change.value: self.difference(Way.BOTH, Way.NOTE, change).as_dict() for change in CHANGES
            },
        }


def ways_of(family: Family) -> tuple[Way, ...]:
    """The ways in which a model of that family can be asked.

    >>> from vlm.families import family_named
    >>> [way.value for way in ways_of(family_named("gemma3"))]
    ['prior_note']
    """
    unread = family.never_reads(prior_image_given=True)
    return (Way.NOTE,) if InputName.PRIOR_IMAGE in unread else tuple(Way)


def run(
    scenes: Iterable[LongitudinalScene], *, draft: Drafter, ways: Sequence[Way], seed: int, ground: str
) -> LongitudinalResult:
    """Draft every scene from its current image alone, and each found lesion under every change in every way.

    Args:
        scenes: taken one at a time.
        draft: the product's own path.
        ways: see `ways_of`.
        seed: that the scenes were made with; also of the notes and of the bootstrap.
        ground: what the lesions were put into, in words, for the record.
    """
    drafts: list[Draft] = []
    verdicts: list[Verdict] = []
    found: list[bool] = []
    for index, scene in enumerate(scenes):
        panel = _Panel(scene, draft, drafts, np.random.default_rng([seed, index, 23]))
        found.append(panel.found)
        if panel.found:
            verdicts += [panel.verdict(change, way) for change in CHANGES for way in ways]
    model = drafts[0].model if drafts else None
    rate = Rate(sum(found), len(found))
    return LongitudinalResult(rate, tuple(verdicts), tuple(ways), draft_faults(drafts), seed, model, ground)


class _Panel:
    """One scene's lesion: the image-only draft, and the drafts under each change."""

    def __init__(
        self, scene: LongitudinalScene, draft: Drafter, drafts: list[Draft], random: np.random.Generator
    ) -> None:
        self._scene, self._draft, self._drafts = scene, draft, drafts
        self._remark = remark_on(scene.lesion.box, size_mm=1.0)
        self._notes = {change: self._note(change, random) for change in CHANGES}
        alone = self._drafted(self._case(scene.now), Pixels(scene.now))
        self.found = bool(self._pointing(alone))

    def verdict(self, change: Progression, way: Way) -> Verdict:
        """What the draft says of the change."""
        scene = self._scene
        current = scene.current(change)
        case, pixels = self._case(current), Pixels(current)
        if way is not Way.NOTE:
            case, pixels = self._with_prior(case, change)
        if way is not Way.IMAGE:
            case = compared_case(case, notes=(self._notes[change],))
        answered = self._answered(self._drafted(case, pixels), change)
        return Verdict(scene.scene_id, scene.patient, change, way, answered, answered == change.value)

    def _note(self, change: Progression, random: np.random.Generator) -> PriorNote:
        """The truthful report of the day of the prior picture."""
        then = self._scene.then_mm[change]
        remarks = [] if then is None else [Remark(self._remark.side, self._remark.zone, then)]
        return PriorNote("evaluation-note", self._scene.acquired_then, "report", note_of(remarks, random))

    def _case(self, pixels: NDArray[np.uint16]) -> Case:
        image = image_of(
            pixels,
            view=self._scene.view_position,
            simulated=self._scene.ground is Ground.SIMULATED,
            acquired=STUDY_DAY,
        )
        return trial_case(self._scene.scene_id, image)

    def _with_prior(self, case: Case, change: Progression) -> tuple[Case, Pixels]:
        scene = self._scene
        earlier = scene.priors[change]
        image = image_of(
            earlier,
            view=scene.view_position,
            simulated=scene.ground is Ground.SIMULATED,
            acquired=scene.acquired_then,
        )
        return compared_case(case, prior_image=image), Pixels(scene.current(change), earlier)

    def _answered(self, draft: Draft, change: Progression) -> str:
        """The one change that the draft states of the lesion, or why there is none."""
        if draft.report is None:
            return FAILED
        about = self._pointing(draft)
        if not about and change is Progression.RESOLVED:
            about = self._gone(draft.report.sentences)
        stated = {one.progression.value for one in about}
        return MIXED if len(stated) > 1 else next(iter(stated), NOT_SHOWN)

    def _gone(self, sentences: Sequence[GroundedSentence]) -> tuple[GroundedSentence, ...]:
        """Sentences that say of a lesion on that side, or on no side, that it has gone."""
        sides = (self._remark.side, Laterality.NOT_STATED.value)
        return tuple(
            one
            for one in sentences
            if one.finding in LESIONS and one.progression is Progression.RESOLVED and one.laterality.value in sides
        )

    def _pointing(self, draft: Draft) -> tuple[GroundedSentence, ...]:
        rows, columns = self._scene.now.shape
        place = self._scene.lesion.box
        return tuple(
            one
            for one in (draft.report.sentences if draft.report is not None else ())
            if any(points_at(box.center, place, columns=columns, rows=rows) for box in one.boxes)
        )

    def _drafted(self, case: Case, pixels: Pixels) -> Draft:
        drafted = self._draft(case, pixels=pixels)
        self._drafts.append(drafted)
        return drafted
