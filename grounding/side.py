"""Sides: boxes speak image, sentences speak patient.

On a frontal radiograph as it is displayed the patient faces the viewer: image left is patient right. This holds for
PA and AP alike, since both are displayed so.
"""

from __future__ import annotations

from collections.abc import Iterable

from grounding.box import Box
from grounding.report import Laterality

OPPOSITE = {Laterality.LEFT: Laterality.RIGHT, Laterality.RIGHT: Laterality.LEFT}


def side_of(box: Box) -> Laterality:
    """The patient's side that a box lies on; MIDLINE when the image's midline runs through its middle third.

    The image's midline is not always the patient's, so that the side of a box near it is not known better than this.

    >>> side_of(Box(0.1, 0.2, 0.3, 0.4)).value, side_of(Box(0.3, 0.5, 0.8, 0.8)).value
    ('right', 'midline')
    """
    x, _ = box.center
    if abs(x - 0.5) <= box.width / 6:
        return Laterality.MIDLINE
    return Laterality.RIGHT if x < 0.5 else Laterality.LEFT


def contradicts(laterality: Laterality, boxes: Iterable[Box]) -> bool:
    """Whether the words name one side and a box lies on the other, or both sides and all boxes lie on one.

    >>> contradicts(Laterality.LEFT, [Box(0.1, 0.2, 0.3, 0.4)])
    True
    """
    sides = [side_of(box) for box in boxes]
    if laterality in OPPOSITE:
        return OPPOSITE[laterality] in sides
    if laterality is Laterality.BILATERAL:
        return bool(sides) and (set(sides) == {Laterality.LEFT} or set(sides) == {Laterality.RIGHT})
    return False
