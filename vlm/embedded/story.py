"""A story for a scene: what the notes say of it, and what a good draft says of both.

Notes are truthful, stale, wrong-sided, silent or absent, so the model must use the image where the note is wrong and
the note where the image is silent. Every subset of inputs occurs, since evidence by removal must ask the model
nothing that it has never met.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from cases.study import Case, CaseStatus, Image, InputName, InputState, MissingReason, Observation, PriorNote
from grounding.codecs.cells import place_tokens
from vlm.embedded import statements as book
from vlm.embedded import wording
from vlm.embedded.architecture import SIDE_PX
from vlm.embedded.lesions import Lesion
from vlm.embedded.places import SIDES, Place, place_of, random_place
from vlm.prompt import render

_STUDY_DAY = date(2020, 6, 1)
_NOW = datetime(2020, 6, 1, 9, 0, tzinfo=UTC)
GROWN, SHRUNK = 1.45, 0.69  # size now over size in the note, beyond which the draft says larger or smaller


@dataclass(frozen=True, slots=True)
class Example:
    """What the model is shown and what it is taught to answer.

    Attributes:
        prompt: as `vlm.prompt.render` makes it.
        answer: in the spelling of `grounding.codecs.cells`.
        with_image: whether the image is among the inputs.
    """

    prompt: str
    answer: str
    with_image: bool


@dataclass(frozen=True, slots=True)
class _Remark:
    """What the newest report says of one place."""

    place: Place
    kind: str
    size_mm: float | None


def tell(lesions: tuple[Lesion, ...], rng: np.random.Generator) -> Example:
    """An example for a scene with those lesions."""
    with_image = rng.random() > 0.08
    remarks = _remarks(lesions, rng) if rng.random() < 0.7 else None
    organ = wording.cancer(rng) if rng.random() < 0.25 else None
    smoking = ("current", "former", "never")[int(rng.integers(3))] if rng.random() < 0.4 else None
    case = _case(rng, remarks=remarks, organ=organ, smoking=smoking)
    seen = lesions if with_image else ()
    statements = _on_image(seen, remarks) if with_image else [f"<obj>{book.NO_IMAGE}</obj>"]
    if with_image:
        statements += _not_seen(seen, remarks)
    if remarks is None:
        statements.append(f"<obj>{book.NO_PRIOR}</obj>")
    if organ is not None:
        statements.append(f"<obj>{book.history_text(organ)}</obj>")
    if smoking in book.SMOKING:
        statements.append(f"<obj>{book.smoking_text(smoking)}</obj>")
    return Example(render(case).text, "".join(statements), with_image)


def _remarks(lesions: tuple[Lesion, ...], rng: np.random.Generator) -> list[_Remark]:
    remarks: list[_Remark] = []
    for lesion in lesions:
        if rng.random() < 0.5:
            continue
        place = place_of(lesion)
        if rng.random() < 0.15:  # the note has the wrong side
            place = Place(SIDES[1 - SIDES.index(place.side)], place.zone)
        change = (1.0, 1.0, rng.uniform(0.35, 0.6), rng.uniform(1.7, 2.4))[int(rng.integers(4))]
        size = lesion.diameter_mm * change * rng.uniform(0.9, 1.1) if rng.random() < 0.6 else None
        remarks.append(_Remark(place, lesion.kind, size))
    if rng.random() < (0.35 if not lesions else 0.12):  # stale, or a lesion that was never there
        remarks.append(_Remark(random_place(rng), "nodule", rng.uniform(6, 30) if rng.random() < 0.5 else None))
    return list({remark.place: remark for remark in remarks}.values())


def _case(rng: np.random.Generator, *, remarks: list[_Remark] | None, organ: str | None, smoking: str | None) -> Case:
    notes: list[PriorNote] = []
    if remarks is not None:
        said = [wording.mention(rng, r.place, kind=r.kind, size_mm=r.size_mm) for r in remarks]
        notes.append(_note(rng, "report", wording.report(rng, said)))
        if rng.random() < 0.15:  # an older report, overtaken by the newer
            older = [wording.mention(rng, random_place(rng), kind="nodule", size_mm=None)] if rng.random() < 0.5 else []
            notes.append(_note(rng, "report", wording.report(rng, older), older_than=notes[0].written))
    if rng.random() < 0.2:
        notes.append(_note(rng, "note", wording.clinic_note(rng)))
    indication = wording.reason(rng) if rng.random() < 0.75 else None
    values = [Observation("smoking", smoking)] if smoking else []
    if rng.random() < 0.2:
        values.append(Observation("CRP", f"{rng.uniform(0.5, 90):.0f} mg/L"))
    if organ is not None:
        indication = _with_history(rng, organ, indication, notes, values)
    notes.sort(key=lambda note: note.written or date.min, reverse=True)
    known_age = rng.random() < 0.8
    return Case(
        case_id="training",
        patient_pseudonym="training",
        received=_NOW,
        status=CaseStatus.REGISTERED,
        image=Image("0" * 64, 1, 1, "DX", None, None, None, _STUDY_DAY, True),
        notes=tuple(notes),
        indication=indication,
        age_years=int(rng.integers(18, 95)) if known_age else None,
        sex=("F", "M")[int(rng.integers(2))] if known_age else None,
        observations=tuple(values),
        inputs=_inputs(notes=bool(notes), indication=indication is not None, values=bool(values)),
    )


def _with_history(
    rng: np.random.Generator, organ: str, indication: str | None, notes: list[PriorNote], values: list[Observation]
) -> str | None:
    """Put the history into one input only, so that only that input can know it."""
    spot = int(rng.integers(3))
    if spot == 0:
        return f"{indication or 'follow-up'}, {wording.history(rng, organ).rstrip('.').lower()}"
    if spot == 1:
        values.append(Observation("prior cancer", organ))
    else:
        text = f"{wording.clinic_note(rng)} {wording.history(rng, organ)}"
        notes.append(_note(rng, "note", text))
    return indication


def _note(rng: np.random.Generator, kind: str, text: str, *, older_than: date | None = None) -> PriorNote:
    start = older_than or _STUDY_DAY
    written = start - timedelta(days=int(np.exp(rng.uniform(np.log(2), np.log(1200)))))
    dated = older_than is not None or rng.random() < 0.9
    return PriorNote(f"n{int(rng.integers(2**40)):x}", written if dated else None, kind, text)


def _inputs(*, notes: bool, indication: bool, values: bool) -> tuple[InputState, ...]:
    present = {
        InputName.CURRENT_IMAGE: True,
        InputName.PRIOR_IMAGE: False,
        InputName.PRIOR_NOTES: notes,
        InputName.INDICATION: indication,
        InputName.STRUCTURED_VALUES: values,
    }
    return tuple(InputState(name, there, None if there else MissingReason.NOT_SENT) for name, there in present.items())


def _on_image(lesions: tuple[Lesion, ...], remarks: list[_Remark] | None) -> list[str]:
    if not lesions:
        return [f"<obj>{book.NORMAL}</obj>"]
    return [_statement(lesion, remarks) for lesion in lesions]


def _statement(lesion: Lesion, remarks: list[_Remark] | None) -> str:
    place = place_of(lesion)
    words = book.lesion_text(lesion.kind, place, _comparison(lesion, place, remarks))
    tokens = "".join(place_tokens(lesion.x_min, lesion.y_min, lesion.x_max, lesion.y_max, side=SIDE_PX))
    return f"<obj>{words}<box>{tokens}</box></obj>"


def _comparison(lesion: Lesion, place: Place, remarks: list[_Remark] | None) -> str:
    if remarks is None:
        return ""
    found = next((remark for remark in remarks if remark.place == place), None)
    if found is None:
        return book.COMPARISONS[1]
    ratio = 1.0 if found.size_mm is None else lesion.diameter_mm / found.size_mm
    if ratio > GROWN:
        return book.COMPARISONS[2]
    if ratio < SHRUNK:
        return book.COMPARISONS[3]
    return book.COMPARISONS[4]


def _not_seen(lesions: tuple[Lesion, ...], remarks: list[_Remark] | None) -> list[str]:
    places = {place_of(lesion) for lesion in lesions}
    return [
        f"<obj>{book.gone_text(remark.kind, remark.place)}</obj>"
        for remark in remarks or ()
        if remark.place not in places
    ]
