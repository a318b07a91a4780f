"""Cases with all five inputs, to be drafted from every subset of them: two pictures, a report, a question, values.

By turns the lesion is new, larger, as before, smaller, gone, or there never was one (`evals.longitudinal_scenes`). The
note is truthful, and the indication and the values fit the story and give nothing of the current picture away. A
removed input is removed and stated as missing, never blanked; of the current picture only the frame stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, combinations
from typing import Final

import numpy as np

from cases.pixels import Pixels
from cases.study import Case, InputName, InputState, MissingReason, Observation, PriorNote
from evals.claim import Claim
from evals.fusion_cases import INDICATIONS
from evals.longitudinal_scenes import CHANGES, STUDY_DAY, LongitudinalScene
from evals.note_wording import Remark, note_of, remark_on
from evals.report_trials import NARROW, NO_LESION, Truth
from evals.scenes import Ground
from evals.trial import Trial, compared_case, image_of, trial_case
from grounding.findings import Finding, vocabulary
from grounding.report import Laterality, Polarity, Progression

Inputs = frozenset[InputName]

TURNS: Final[tuple[Progression | None, ...]] = (*CHANGES, None)
SUBSETS: Final[tuple[Inputs, ...]] = tuple(
    frozenset(some) for some in chain.from_iterable(combinations(InputName, size) for size in range(5, -1, -1))
)
SMOKING: Final = ("current", "former", "never")


@dataclass(frozen=True, slots=True)
class WholeCase:
    """A case with all five inputs.

    Attributes:
        trial: the case, its two pictures and the lesions of the current one.
        truth: what is true of the current picture.
        change: since the prior one; None where there never was a lesion.
    """

    trial: Trial
    truth: Truth
    change: Progression | None


def whole_cases(scenes: Iterable[LongitudinalScene], *, seed: int) -> Iterator[WholeCase]:
    """One case a scene, by turns of what became of the lesion."""
    for index, scene in enumerate(scenes):
        yield whole_case(scene, TURNS[index % len(TURNS)], np.random.default_rng([seed, index, 31]))


def whole_case(scene: LongitudinalScene, change: Progression | None, random: np.random.Generator) -> WholeCase:
    """The case that a scene makes with that change."""
    shown = change is not None and change is not Progression.RESOLVED
    pixels = scene.now if shown else scene.without
    earlier = scene.priors[change or Progression.NEW]
    then = None if change is None else scene.then_mm[change]
    simulated = scene.ground is Ground.SIMULATED
    view = scene.view_position
    case = trial_case(
        scene.scene_id,
        image_of(pixels, view=view, simulated=simulated, acquired=STUDY_DAY),
        notes=(_note(scene, then, random),),
        indication=_one(INDICATIONS[then is not None], random),
    )
    case = compared_case(
        case,
        prior_image=image_of(earlier, view=view, simulated=simulated, acquired=scene.acquired_then),
        observations=_values(random),
    )
    lesions = (scene.lesion,) if shown else ()
    return WholeCase(Trial(case, pixels, scene.patient, lesions, earlier), truth_of(scene, change), change)


def truth_of(scene: LongitudinalScene, change: Progression | None) -> Truth:
    """What is true of the current picture."""
    scope = frozenset(vocabulary()[finding].group for finding in NARROW)
    remark = remark_on(scene.lesion.box, size_mm=scene.lesion.diameter_mm or 0.0)
    finding, side = Finding(remark.kind), Laterality(remark.side)
    if change is None:
        return Truth((NO_LESION,), (NO_LESION,), scope)
    if change is Progression.RESOLVED:
        gone = Claim(finding, Polarity.ABSENT, side, Progression.RESOLVED)
        return Truth((gone,), (gone, NO_LESION), scope)
    there = Claim(finding, Polarity.PRESENT, side, change, boxes=(scene.lesion.box,))
    elsewhere = Claim(Finding.NODULE, Polarity.ABSENT, Laterality(remark.other_side.side))
    return Truth((there,), (there, elsewhere), scope)


def given(whole: WholeCase, inputs: Inputs) -> tuple[Case, Pixels]:
    """The case with these inputs only, and its pixels; every other input is gone and says so."""
    case, trial = whole.trial.case, whole.trial
    prior = InputName.PRIOR_IMAGE in inputs
    fewer = replace(
        case,
        prior_image=case.prior_image if prior else None,
        notes=case.notes if InputName.PRIOR_NOTES in inputs else (),
        indication=case.indication if InputName.INDICATION in inputs else None,
        observations=case.observations if InputName.STRUCTURED_VALUES in inputs else (),
        inputs=tuple(_state(name, inputs) for name in InputName),
    )
    return fewer, Pixels(trial.pixels, trial.prior_pixels if prior else None)


def subset_name(inputs: Inputs) -> str:
    """The subset in words.

    >>> subset_name(frozenset({InputName.INDICATION, InputName.CURRENT_IMAGE})), subset_name(frozenset())
    ('current_image+indication', 'nothing')
    """
    return "+".join(name.value for name in InputName if name in inputs) or "nothing"


def _state(name: InputName, inputs: Inputs) -> InputState:
    there = name in inputs
    return InputState(name, present=there, missing_reason=None if there else MissingReason.EXCLUDED)


def _note(scene: LongitudinalScene, then_mm: float | None, random: np.random.Generator) -> PriorNote:
    place = remark_on(scene.lesion.box, size_mm=1.0)
    remarks = [] if then_mm is None else [Remark(place.side, place.zone, then_mm)]
    return PriorNote("evaluation-note", scene.acquired_then, "report", note_of(remarks, random))


def _values(random: np.random.Generator) -> tuple[Observation, ...]:
    return (
        Observation("smoking", _one(SMOKING, random)),
        Observation("CRP", f"{random.uniform(0.5, 60.0):.0f} mg/L"),
    )


def _one(options: tuple[str, ...], random: np.random.Generator) -> str:
    return options[int(random.integers(len(options)))]
