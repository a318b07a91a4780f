"""Simulated cases as trials: the phantom's pictures with notes, indication and values, and the truth beside them.

Seeds are those of `cases.phantom.image_set`, far from the demo's. Simulated pictures are easier than real ones, and
every figure on them says "simulated".
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cases.phantom.image_set import case_seed
from cases.phantom.lesions import Lesion as PhantomLesion
from cases.phantom.simulated import SimulatedCase, simulated_case
from cases.study import PriorNote
from evals.insertion import CONTRASTS, FULL, Tier
from evals.trial import Lesion, Trial, compared_case, image_of, trial_case

VIEW = "PA"
REMOVED = "[removed]"  # stands where the letterhead named the made-up patient, as after an import


def simulated_trials(*, n: int, seed: int) -> Iterator[Trial]:
    """The n simulated cases of a seed, as they come: some have no lesion, some notes are wrong."""
    for index in range(n):
        yield simulated_trial(simulated_case(seed=case_seed(seed, index)), f"simulated-{index:05d}")


def simulated_trial(simulated: SimulatedCase, case_id: str) -> Trial:
    """One simulated case with everything it gives to a model; names of the made-up patient are taken out."""
    pixels = displayed(simulated.pixels)
    notes = tuple(
        PriorNote(f"{case_id}-n{number}", note.written, note.kind, note.text.replace(simulated.label, REMOVED))
        for number, note in enumerate(simulated.notes, 1)
    )
    case = trial_case(
        case_id,
        image_of(pixels, view=VIEW, simulated=True),
        notes=notes,
        indication=simulated.indication,
        age_years=simulated.age_years,
        sex=simulated.sex,
    )
    case = compared_case(case, observations=simulated.observations)
    return Trial(case, pixels, str(simulated.number), tuple(known(lesion) for lesion in simulated.truth.lesions))


def displayed(picture: NDArray[np.float32]) -> NDArray[np.uint16]:
    """A picture in 0..1 as displayed pixels."""
    return np.asarray(np.rint(np.clip(picture, 0.0, 1.0) * FULL), dtype=np.uint16)


def known(lesion: PhantomLesion) -> Lesion:
    """The truth about a phantom lesion, with the tier of its contrast."""
    tier = next((tier for tier, (_, high) in CONTRASTS.items() if lesion.contrast < high), Tier.CONSPICUOUS)
    return Lesion(lesion.box, tier.value, lesion.diameter_mm, lesion.contrast)
