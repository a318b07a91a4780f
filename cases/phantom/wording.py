"""The words of simulated notes, indications and values: from mentions and dice alone, never from the truth.

Invented text, written for this project; no sentence comes from a real report.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from cases.phantom.story import Mention

_SEEN = (
    "There is a {size} mm {kind} in the {side} {zone} zone.",
    "A {kind} measuring {size} mm is seen in the {side} {zone} zone.",
    "{side_cap} {zone} zone {kind}, about {size} mm.",
    "Rounded {size} mm opacity in the {side} {zone} zone, in keeping with a {kind}.",
)
_CLEAR = (
    "The lungs are clear.",
    "No focal lung lesion.",
    "No nodule or mass is seen.",
    "Both lungs are clear, with no nodule.",
)
_REST = (
    "Heart size is normal.",
    "The cardiomediastinal contour is within normal limits.",
    "No pleural effusion.",
    "No pneumothorax.",
    "The bones are unremarkable.",
    "Both costophrenic angles are sharp.",
)
_FOLLOW = (
    "Follow-up imaging is advised.",
    "CT correlation could be considered.",
    "Comparison with earlier images is suggested.",
)
_CLINIC_SEEN = (
    "Chest radiograph discussed: {size} mm {kind}, {side} {zone} zone. Patient is well.",
    "Seen in clinic. Known {side} {zone} zone {kind} of {size} mm. No new symptoms.",
)
_CLINIC_CLEAR = (
    "Seen in clinic. Last chest radiograph showed no lung lesion. No new symptoms.",
    "Routine visit. No known lung nodule. Chest clear on auscultation.",
)
_INDICATIONS = (
    "Cough for three weeks.",
    "Follow-up.",
    "Shortness of breath.",
    "Routine check before an operation.",
    "Weight loss and tiredness.",
    "Chest pain, query cause.",
    "Haemoptysis, smoker.",
    "Follow-up of a previous radiograph.",
)
_SMOKING = (
    "never",
    "former, 10 pack-years",
    "former, 25 pack-years",
    "current, 15 pack-years",
    "current, 40 pack-years",
)
_CANCER = ("none", "none", "none", "breast", "colon", "melanoma")


def report_text(mentions: tuple[Mention, ...], rng: np.random.Generator, *, written: date, label: str) -> str:
    """A chest radiograph report with a letterhead that names the made-up patient."""
    body = [_one(rng, _SEEN, mention) for mention in mentions] or [_any(rng, _CLEAR)]
    rest = [_REST[int(i)] for i in rng.choice(len(_REST), int(rng.integers(1, 4)), replace=False)]
    lines = [
        f"Patient: {label}",
        f"Date: {written.isoformat()}",
        "Chest radiograph, PA.",
        "Findings: " + " ".join([*body, *rest]),
        "Impression: " + (_summary(mentions) + " " + _any(rng, _FOLLOW) if mentions else "No acute abnormality."),
    ]
    return "\n".join(lines) + "\n"


def clinic_text(mentions: tuple[Mention, ...], rng: np.random.Generator, *, written: date, label: str) -> str:
    """A short clinical note."""
    body = [_one(rng, _CLINIC_SEEN, mention) for mention in mentions] or [_any(rng, _CLINIC_CLEAR)]
    return f"Clinic note, {written.isoformat()}. Re: {label}\n" + " ".join(body) + "\n"


def indication_text(rng: np.random.Generator) -> str:
    """Why the picture was asked for."""
    return _any(rng, _INDICATIONS)


def observation_values(rng: np.random.Generator) -> tuple[tuple[str, str], ...]:
    """(name, value) of structured values."""
    values = [("smoking", _any(rng, _SMOKING)), ("prior cancer", _any(rng, _CANCER))]
    if rng.random() < 0.6:
        values.append(("CRP", f"{int(rng.integers(1, 60))} mg/L"))
    return tuple(values)


def _any(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[int(rng.integers(len(choices)))]


def _one(rng: np.random.Generator, templates: tuple[str, ...], mention: Mention) -> str:
    side = mention.side.value
    return _any(rng, templates).format(
        size=mention.size_mm, kind=mention.kind.value, side=side, side_cap=side.capitalize(), zone=mention.zone.value
    )


def _summary(mentions: tuple[Mention, ...]) -> str:
    return " ".join(f"{m.side.value.capitalize()} {m.zone.value} zone {m.kind.value}." for m in mentions)
