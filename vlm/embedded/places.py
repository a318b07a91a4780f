"""Sides and zones in words, for what the embedded model is taught to say and for the notes it is taught to read.

Sides are the patient's: image left is patient right on a frontal radiograph.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vlm.embedded.architecture import SIDE_PX
from vlm.embedded.lesions import Lesion

UPPER_UNTIL = 0.36  # of the image's height; a frontal film has its hila at about 0.45
MID_UNTIL = 0.52
SIDES = ("right", "left")
ZONES = ("upper", "mid", "lower")

_IN_NOTES = {
    "upper": ("{side} upper lobe", "{side} upper zone", "{side} apex", "{short}UL", "upper {side} lung"),
    "mid": ("{side} mid zone", "{side} midlung", "{side} mid lung", "{side} perihilar region", "mid {side} lung"),
    "lower": ("{side} lower lobe", "{side} lower zone", "{side} base", "{short}LL", "lower {side} lung"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A zone of a lung: side "right" or "left" (the patient's), zone "upper", "mid" or "lower"."""

    side: str
    zone: str

    def in_draft(self) -> str:
        """As the draft says it.

        >>> Place("left", "mid").in_draft()
        'left mid zone'
        """
        return f"{self.side} {self.zone} zone"

    def in_note(self, rng: np.random.Generator) -> str:
        """As one of many authors might say it."""
        form = _IN_NOTES[self.zone][int(rng.integers(len(_IN_NOTES[self.zone])))]
        return form.format(side=self.side, short=self.side[0].upper())


def place_of(lesion: Lesion) -> Place:
    """Where the lesion's centre lies in the model's input."""
    x, y = lesion.center
    share = y / SIDE_PX
    zone = "upper" if share < UPPER_UNTIL else "mid" if share < MID_UNTIL else "lower"
    return Place("right" if x < SIDE_PX / 2 else "left", zone)


def random_place(rng: np.random.Generator) -> Place:
    """Any place."""
    return Place(SIDES[int(rng.integers(2))], ZONES[int(rng.integers(3))])
