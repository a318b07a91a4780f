"""Notes for training, written with varied wording: mentions, negations, hedges, sizes, typos and matters of no weight.

Templates of evaluation and demo notes are others, kept elsewhere; none is shared with this file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vlm.embedded.places import Place
from vlm.embedded.statements import ORGANS

_MENTIONS = (
    "There is a {size}{kind} in the {place}.",
    "{Size}{kind} projecting over the {place}.",
    "A {size}{kind} is seen at the {place}.",
    "Findings: {size}{kind}, {place}.",
    "{Place}: {size}{kind}.",
    "Rounded opacity in the {place}, {size}{kind} suspected.",
    "Possible {size}{kind} in the {place}, CT advised.",
    "Known {size}{kind} {place}.",
    "Again seen is a {size}{kind} in the {place}.",
    "Impression: {size}pulmonary {kind} {place}.",
)
_DENIALS = (
    "No pulmonary nodule or mass.",
    "No nodule.",
    "Lungs are clear.",
    "No focal lung lesion is identified.",
    "No suspicious opacity.",
    "Both lungs are free of nodules.",
    "No evidence of a mass.",
    "Lungs: clear, no focal abnormality.",
)
_OTHER = (
    "Heart size is normal.",
    "Heart mildly enlarged.",
    "No pleural effusion.",
    "Small pleural effusion on the left.",
    "No pneumothorax.",
    "Mild degenerative change of the spine.",
    "Aortic calcification.",
    "Mediastinal contours are unremarkable.",
    "Port catheter with its tip in the superior vena cava.",
    "Old rib fractures.",
    "Hila are normal.",
    "Hyperinflated lungs.",
    "Bibasal atelectasis.",
    "Technique: PA view.",
    "Comparison: none.",
    "Trachea is midline.",
)
_CLINIC = (
    "Seen in clinic, feels well.",
    "Reports a dry cough for three weeks.",
    "No fever, no weight loss.",
    "Patient called to confirm the appointment.",
    "Blood pressure controlled on medication.",
    "Started antibiotics for a chest infection.",
    "Discussed stopping smoking.",
    "Physiotherapy continues.",
)
_OTHER_CANCERS = ("ovarian", "gastric", "liver", "cervical", "pancreatic", "testicular", "rectal", "laryngeal", "bone")
_HISTORY = (
    "History of {cancer} cancer.",
    "Known {cancer} cancer.",
    "Past history: {cancer} cancer, treated.",
    "Previous {cancer} carcinoma.",
    "{Cancer} cancer in the past.",
)
_REASONS = (
    "cough",
    "chest pain",
    "weight loss",
    "haemoptysis",
    "shortness of breath",
    "fever",
    "follow-up",
    "follow-up of a nodule",
    "pre-operative assessment",
    "smoker, screening",
    "staging",
    "routine check",
    "persistent cough",
    "? infection",
    "rule out malignancy",
)


def _one(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def mention(rng: np.random.Generator, place: Place, *, kind: str, size_mm: float | None) -> str:
    """A sentence that says there is such a lesion there; with its size where one is given."""
    size = ""
    if size_mm is not None:
        size = f"{size_mm / 10:.1f} cm " if size_mm > 25 and rng.random() < 0.5 else f"{size_mm:.0f} mm "
    where = place.in_note(rng)
    return _one(rng, _MENTIONS).format(size=size, Size=_capital(size), kind=kind, place=where, Place=_capital(where))


def report(rng: np.random.Generator, mentions: Sequence[str]) -> str:
    """A prior report with those mentions (or a denial when there are none) among other findings."""
    sentences = list(mentions) or ([_one(rng, _DENIALS)] if rng.random() < 0.85 else [])
    sentences += [_one(rng, _OTHER) for _ in range(int(rng.integers(0 if sentences else 1, 4)))]
    rng.shuffle(sentences)
    text = " ".join(dict.fromkeys(sentences))
    if rng.random() < 0.15:
        text = "FINDINGS: " + text
    return with_typos(rng, text) if rng.random() < 0.15 else text


def clinic_note(rng: np.random.Generator) -> str:
    """A note that is no report and says nothing of the lungs' appearance."""
    return " ".join(_one(rng, _CLINIC) for _ in range(int(rng.integers(1, 4))))


def cancer(rng: np.random.Generator) -> str:
    """An organ whose cancer a history may name; one in four is not in the statement book."""
    return _one(rng, ORGANS if rng.random() < 0.75 else _OTHER_CANCERS)


def history(rng: np.random.Generator, organ: str) -> str:
    """A sentence of history."""
    return _one(rng, _HISTORY).format(cancer=organ, Cancer=_capital(organ))


def reason(rng: np.random.Generator) -> str:
    """An indication."""
    return _one(rng, _REASONS)


def with_typos(rng: np.random.Generator, text: str) -> str:
    """The text with one to three letters swapped, dropped or doubled."""
    letters = list(text)
    for _ in range(int(rng.integers(1, 4))):
        spot = int(rng.integers(1, len(letters) - 1))
        kind = int(rng.integers(3))
        if kind == 0:
            letters[spot], letters[spot - 1] = letters[spot - 1], letters[spot]
        elif kind == 1:
            del letters[spot]
        else:
            letters.insert(spot, letters[spot])
    return "".join(letters)
