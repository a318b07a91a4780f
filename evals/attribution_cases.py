"""Cases made so that one input alone can know a fact, and which drafted sentences state it.

A lesion that only the current image shows; a past cancer that only a report, only a clinical note, only the indication
or only a value tells of; smoking that only a value tells of. All other inputs are there and say nothing of weight. A
second group is *joint*: a lesion compared with silent priors, and a lesion that only the prior report or the prior
image knows of and the current image no longer shows. There two inputs are needed, so it is reported apart.

Not here: what the model's attribution says of them (`evals.attribution`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from cases.study import Observation, PriorNote
from evals import attribution_wording as wording
from evals.longitudinal_scenes import STUDY_DAY, LongitudinalScene
from evals.matching import points_at
from evals.note_wording import Remark, note_of, remark_on
from evals.priors import LESIONS, size_mm
from evals.scenes import Ground
from evals.trial import Trial, compared_case, image_of, trial_case
from grounding.attribution import EvidenceInput
from grounding.findings import Finding
from grounding.report import GroundedSentence, Polarity, Progression, Section


class Fact(StrEnum):
    """A fact and where it stands."""

    LESION = "lesion_in_image"
    REPORT_HISTORY = "history_in_report"
    NOTE_HISTORY = "history_in_note"
    INDICATION_HISTORY = "history_in_indication"
    VALUE_HISTORY = "history_in_values"
    VALUE_SMOKING = "smoking_in_values"
    COMPARED_LESION = "lesion_in_image_beside_priors"
    REPORT_LESION = "gone_lesion_in_report"
    PRIOR_LESION = "gone_lesion_in_prior_image"

    @property
    def known_to(self) -> EvidenceInput:
        """The input that knows it."""
        return _KNOWN_TO[self]

    @property
    def joint(self) -> bool:
        """Whether its sentence needs a second input too: the comparison, or that it is no longer seen."""
        return self in (Fact.COMPARED_LESION, Fact.REPORT_LESION, Fact.PRIOR_LESION)


_KNOWN_TO = {
    Fact.LESION: EvidenceInput.CURRENT_IMAGE,
    Fact.REPORT_HISTORY: EvidenceInput.PRIOR_REPORT,
    Fact.NOTE_HISTORY: EvidenceInput.CLINICAL_NOTES,
    Fact.INDICATION_HISTORY: EvidenceInput.CLINICAL_NOTES,
    Fact.VALUE_HISTORY: EvidenceInput.STRUCTURED_VALUES,
    Fact.VALUE_SMOKING: EvidenceInput.STRUCTURED_VALUES,
    Fact.COMPARED_LESION: EvidenceInput.CURRENT_IMAGE,
    Fact.REPORT_LESION: EvidenceInput.PRIOR_REPORT,
    Fact.PRIOR_LESION: EvidenceInput.PRIOR_IMAGE,
}
HISTORIES = (Fact.REPORT_HISTORY, Fact.NOTE_HISTORY, Fact.INDICATION_HISTORY, Fact.VALUE_HISTORY)
NOW = (Fact.LESION, Fact.COMPARED_LESION)  # the current image shows the lesion


@dataclass(frozen=True, slots=True)
class FactCase:
    """One case, and the fact that one of its inputs knows.

    Attributes:
        word: the organ or the habit that the input names; "" for a lesion.
        side: the patient's side of the lesion; "" where there is none.
    """

    fact: Fact
    trial: Trial
    word: str = ""
    side: str = ""

    def states(self, sentence: GroundedSentence) -> bool:
        """Whether a drafted sentence states the fact; one that names another organ or another place does not."""
        said = sentence.text.lower()
        if self.fact in NOW:
            return _shows(sentence, self.trial)
        if self.fact in HISTORIES:
            past = sentence.section is Section.HISTORY and sentence.finding == Finding.MALIGNANCY.value
            return past and (self.word in said or not any(organ in said for organ in (*wording.ORGANS, "lung")))
        if self.fact is Fact.VALUE_SMOKING:
            return sentence.finding == Finding.SMOKING.value and self.word in said
        gone = sentence.finding in LESIONS and sentence.progression is Progression.RESOLVED
        return gone and sentence.laterality.value == self.side


def _shows(sentence: GroundedSentence, trial: Trial) -> bool:
    rows, columns = trial.pixels.shape
    return (
        sentence.finding in LESIONS
        and sentence.polarity is not Polarity.ABSENT
        and any(points_at(box.center, trial.lesions[0].box, columns=columns, rows=rows) for box in sentence.boxes)
    )


def fact_cases(scene: LongitudinalScene, *, reads_prior: bool, random: np.random.Generator) -> Iterator[FactCase]:
    """One case for each fact, on one chest.

    Args:
        scene: of the chest, with and without its lesion, then and now.
        reads_prior: whether the model reads a prior image; without, none is given and none is asked about.
        random: of words.
    """
    for fact in Fact:
        if fact is not Fact.PRIOR_LESION or reads_prior:
            yield _Making(scene, fact, random, reads_prior).case()


@dataclass(frozen=True, slots=True)
class _Making:
    """One case while it is being made: weightless in all its inputs but one."""

    scene: LongitudinalScene
    fact: Fact
    random: np.random.Generator
    reads_prior: bool

    def case(self) -> FactCase:
        word = self._word()
        told = wording.history(word, self.random) if self.fact in HISTORIES else ""
        pixels = self.scene.now if self.fact in NOW else self.scene.without
        simulated = self.scene.ground is Ground.SIMULATED
        image = image_of(pixels, view=self.scene.view_position, simulated=simulated, acquired=STUDY_DAY)
        bare = trial_case(
            f"{self.scene.scene_id}-{self.fact.value}",
            image,
            notes=self._notes(told),
            indication=told if self.fact is Fact.INDICATION_HISTORY else wording.weightless_indication(self.random),
        )
        case, prior = compared_case(bare, observations=self._values(word)), self._prior()
        if prior is not None:
            view, day = self.scene.view_position, self.scene.acquired_then
            case = compared_case(case, prior_image=image_of(prior, view=view, simulated=simulated, acquired=day))
        lesions = (self.scene.lesion,) if self.fact in NOW else ()
        trial = Trial(case, pixels, self.scene.patient, lesions, prior)
        return FactCase(self.fact, trial, word, self._remark().side if word == "" else "")

    def _word(self) -> str:
        if self.fact in HISTORIES:
            return wording.ORGANS[int(self.random.integers(len(wording.ORGANS)))]
        return wording.HABITS[int(self.random.integers(2))] if self.fact is Fact.VALUE_SMOKING else ""

    def _notes(self, told: str) -> tuple[PriorNote, ...]:
        """A report (but for the lesion that nothing compares with), and a clinical note."""
        visit = [wording.weightless_note(self.random), *([told] if self.fact is Fact.NOTE_HISTORY else [])]
        visited = PriorNote("visit", self.scene.acquired_then, "note", " ".join(visit))
        if self.fact is Fact.LESION:
            return (visited,)
        said = [*wording.weightless_report(self.random), *([told] if self.fact is Fact.REPORT_HISTORY else [])]
        if self.fact is Fact.REPORT_LESION:
            said = [note_of((self._remark(),), self.random)]
        return (PriorNote("report", self.scene.acquired_then, "report", " ".join(said)), visited)

    def _values(self, word: str) -> tuple[Observation, ...]:
        named = {Fact.VALUE_HISTORY: "prior cancer", Fact.VALUE_SMOKING: "smoking"}
        fact = (Observation(named[self.fact], word),) if self.fact in named else ()
        return (*fact, *wording.weightless_values(self.random))

    def _prior(self) -> NDArray[np.uint16] | None:
        """The prior picture: with the lesion where it alone is to know it, else without, none where none is read."""
        if not self.reads_prior or self.fact is Fact.LESION:
            return None
        return self.scene.priors[Progression.RESOLVED if self.fact is Fact.PRIOR_LESION else Progression.NEW]

    def _remark(self) -> Remark:
        return remark_on(self.scene.lesion.box, size_mm=size_mm(self.scene.lesion))
