"""The words of attribution cases: a fact told in one input, things of no weight in all others. For evaluation only.

No sentence template is shared with the notes of the embedded model's training or of the demo. Invented text; no
sentence is from a real report. Words of no weight say nothing of the lungs, of cancer or of smoking.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cases.study import Observation
from evals.note_wording import REST

ORGANS = ("breast", "colon", "kidney", "prostate", "bladder", "thyroid", "skin")
HABITS = ("current", "former")
HISTORY = (
    "Had {organ} cancer ten years ago.",
    "Under the oncologists after {organ} cancer.",
    "Background of {organ} cancer, in remission.",
    "Treated for {organ} cancer in 2011, with no recurrence.",
    "Clinical details: {organ} cancer, operated.",
)
WEIGHTLESS_NOTES = (
    "Attended for a blood pressure review.",
    "Asks for a repeat prescription of eye drops.",
    "Ankle sprain healing, walks unaided.",
    "Influenza vaccination given without reaction.",
    "Dietary advice given; next visit in three months.",
)
WEIGHTLESS_INDICATIONS = (
    "Two weeks of fever.",
    "Before elective surgery.",
    "Occupational health visit.",
    "Fell from a ladder yesterday.",
)


def history(organ: str, random: np.random.Generator) -> str:
    """A sentence that tells of a past cancer."""
    return _one(HISTORY, random).format(organ=organ)


def weightless_note(random: np.random.Generator) -> str:
    """A clinical note of no weight."""
    return _one(WEIGHTLESS_NOTES, random)


def weightless_indication(random: np.random.Generator) -> str:
    """A reason for the picture of no weight."""
    return _one(WEIGHTLESS_INDICATIONS, random)


def weightless_report(random: np.random.Generator) -> tuple[str, ...]:
    """Two sentences of an earlier report that is silent on the lungs."""
    return tuple(REST[int(index)] for index in random.choice(len(REST), 2, replace=False))


def weightless_values(random: np.random.Generator) -> tuple[Observation, ...]:
    """A laboratory value of no weight."""
    named = (("CRP", f"{int(random.integers(1, 9))} mg/L"), ("haemoglobin", f"{random.uniform(12.5, 15.5):.1f} g/dL"))
    return (Observation(*named[int(random.integers(len(named)))]),)


def _one(templates: Sequence[str], random: np.random.Generator) -> str:
    return templates[int(random.integers(len(templates)))]
