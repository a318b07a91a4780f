"""The words of evaluation notes: what an earlier report said of the lungs, true or not. For evaluation only.

No sentence template is shared with the notes of the embedded model's training or of the demo
(`cases.phantom.wording`): a model must read a note, not recognize it. Invented text; no sentence is from a real report.
The wording sees remarks and dice, never an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grounding.box import Box

MASS_MM = 30.0  # a nodule is at most 3 cm across (Bankier et al., Fleischner Society glossary, Radiology 2024)
SIDE_MM = 375.0  # of the image, as in `evals.insertion`
UPPER_UNTIL, MID_UNTIL = 0.33, 0.5  # of the image's height, as in `evals.scenes`
OTHER_SIDE = {"right": "left", "left": "right"}

MENTIONS = (
    "Previous film reviewed: solitary pulmonary {kind} projected over the {side} {zone} zone, {size} mm across.",
    "CXR last year reported a {size} mm coin lesion ({kind}), {side} side, {zone} zone.",
    "Known lung {kind} ({side} {zone} zone, approx. {size} mm on the earlier radiograph), for surveillance.",
    "Old report: {kind} of {size} mm at the {side} {zone} zone.",
    "On that occasion the radiologist described a well-defined {kind}, {side} {zone} zone, {size} mm.",
    "Within the {side} {zone} zone lies a {kind} whose diameter was put at {size} mm.",
    "The earlier examination demonstrated a {size} mm {kind} overlying the {side} {zone} zone.",
)
CLEAR = (
    "Previous film reviewed: nothing focal in either lung.",
    "CXR last year reported clear lung fields, no nodular lesion.",
    "The earlier examination demonstrated neither nodule nor mass.",
    "On that occasion the radiologist saw no lung nodule.",
    "Old report: lung parenchyma normal throughout.",
)
GONE = (
    "The nodule reported before has since resolved; the latest film shows clear lungs.",
    "Interval film: the earlier nodule can no longer be made out.",
    "At the last visit the film was read as clear, the former nodule having disappeared.",
)
EFFUSIONS = (  # there, when the note was written
    "Fluid level: {amount} pleural effusion, {side} base.",
    "CXR last year reported a {amount} effusion, {side} side.",
    "{Amount} {side} pleural effusion was described on the earlier examination.",
    "On that occasion the radiologist noted a {amount} pleural effusion, {side} hemithorax.",
    "Old report: {side} effusion, {amount}.",
)
EFFUSIONS_UNSIDED = (
    "CXR last year reported a {amount} effusion.",
    "{Amount} pleural effusion was described on the earlier examination.",
    "Old report: effusion, {amount}.",
)
AMOUNTS = ("small", "moderate", "large", "trace")
DRY = (  # none, when the note was written
    "Previous film reviewed: no effusion on either side.",
    "CXR last year reported no pleural fluid.",
    "The earlier examination demonstrated neither effusion nor pneumothorax.",
    "On that occasion the radiologist saw no pleural effusion.",
)
DRAINED = (  # there once, gone before this picture
    "The effusion reported before has since resolved.",
    "After drainage the effusion can no longer be seen on the latest film.",
    "At the last visit the pleural effusion had disappeared.",
    "The former effusion has been drained; the latest film shows none.",
)
PLEURAL = "Pleural spaces are free."
REST = (
    "Cardiothoracic ratio within normal bounds.",
    "Mediastinum not widened.",
    PLEURAL,
    "Skeleton without a suspicious lesion.",
    "Diaphragm well outlined on both sides.",
    "No tubes or lines in situ.",
)


@dataclass(frozen=True, slots=True)
class Remark:
    """What a note says of one lesion: the patient's side, the zone, the size then."""

    side: str
    zone: str
    size_mm: float

    @property
    def kind(self) -> str:
        """Nodule or mass, by the size that the note gives.

        >>> Remark("left", "mid", 30.4).kind, Remark("left", "mid", 31.0).kind
        ('nodule', 'mass')
        """
        return "mass" if round(self.size_mm) > MASS_MM else "nodule"

    @property
    def other_side(self) -> Remark:
        """The same on the other side."""
        return Remark(OTHER_SIDE[self.side], self.zone, self.size_mm)


def remark_on(box: Box, *, size_mm: float) -> Remark:
    """The remark on a lesion there: image left is the patient's right.

    >>> remark_on(Box(0.2, 0.5, 0.3, 0.6), size_mm=20)
    Remark(side='right', zone='lower', size_mm=20)
    """
    x, y = box.center
    zone = "upper" if y < UPPER_UNTIL else "mid" if y < MID_UNTIL else "lower"
    return Remark("right" if x < 0.5 else "left", zone, size_mm)


def note_of(remarks: Sequence[Remark], random: np.random.Generator) -> str:
    """An earlier report that makes these remarks, or says that the lungs were clear where there are none."""
    said = [sentence_of(one, random) for one in remarks]
    return _among_others(said or [_one(CLEAR, random)], random)


def sentence_of(remark: Remark, random: np.random.Generator) -> str:
    """One sentence of an earlier report that makes this remark."""
    return _one(MENTIONS, random).format(
        kind=remark.kind, side=remark.side, zone=remark.zone, size=round(remark.size_mm)
    )


def sentence_of_effusion(side: str | None, random: np.random.Generator) -> str:
    """One sentence of an earlier report that describes an effusion on that side; None: it names no side."""
    amount = _one(AMOUNTS, random)
    return _one(EFFUSIONS_UNSIDED if side is None else EFFUSIONS, random).format(
        side=side, amount=amount, Amount=amount.capitalize()
    )


def note_with(sentences: Sequence[str], random: np.random.Generator) -> str:
    """An earlier report that holds these sentences, in this order, among others that contradict none of them."""
    return _among_others(sentences, random)


def note_of_no_effusion(random: np.random.Generator) -> str:
    """An earlier report without an effusion, or with one that has gone since."""
    return _among_others([_one(DRAINED if random.random() < 0.5 else DRY, random)], random)


def note_of_gone(random: np.random.Generator) -> str:
    """An earlier report that says a nodule has gone."""
    return _among_others([_one(GONE, random)], random)


def _among_others(said: Sequence[str], random: np.random.Generator) -> str:
    rest = [REST[int(index)] for index in random.choice(len(REST), int(random.integers(0, 3)), replace=False)]
    if any("effusion" in sentence for sentence in said):
        rest = [sentence for sentence in rest if sentence != PLEURAL]
    before = int(random.integers(0, len(rest) + 1))
    return " ".join([*rest[:before], *said, *rest[before:]])


def _one(templates: Sequence[str], random: np.random.Generator) -> str:
    return templates[int(random.integers(len(templates)))]
