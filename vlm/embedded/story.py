"""A story for a scene: what the notes say of it, and what a good draft says of both.

Notes are truthful, stale, wrong-sided, silent or absent, so the model must use the image where the note is wrong and
the note where the image is silent; where there is a prior image, change is judged by it. Every subset of inputs
occurs, since evidence by removal must ask the model nothing that it has never met.
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
from vlm.embedded.lesions import MASS_MM, Lesion
from vlm.embedded.places import SIDES, Place, place_of, random_place
from vlm.embedded.scenes import Truth
from vlm.prompt import load_template, render

_STUDY_DAY = date(2020, 6, 1)
_NOW = datetime(2020, 6, 1, 9, 0, tzinfo=UTC)
TEMPLATE = "overread-2"
GROWN, SHRUNK = 1.45, 0.69  # size now over size before, beyond which the draft says larger or smaller
NEW, LARGER, SMALLER, STABLE = 1, 2, 3, 4  # places in the statement book's comparisons


@dataclass(frozen=True, slots=True)
class Example:
    """What the model is shown and what it is taught to answer.

    Attributes:
        prompt: as `vlm.prompt.render` makes it.
        answer: in the spelling of `grounding.codecs.cells`.
        with_image: whether the current image is among the inputs.
        with_prior: whether the prior image is.
    """

    prompt: str
    answer: str
    with_image: bool
    with_prior: bool


@dataclass(frozen=True, slots=True)
class _Remark:
    """What the newest report says of one place."""

    place: Place
    kind: str
    size_mm: float | None


def tell(truth: Truth, rng: np.random.Generator) -> Example:
    """An example for what a scene shows."""
    with_image = rng.random() > 0.08
    with_prior = truth.with_prior and rng.random() > 0.12
    remarks = _remarks(truth, rng) if rng.random() < 0.7 else None
    organ = wording.cancer(rng) if rng.random() < 0.25 else None
    smoking = ("current", "former", "never")[int(rng.integers(3))] if rng.random() < 0.4 else None
    case = _case(rng, remarks=remarks, organ=organ, smoking=smoking, with_prior=with_prior)
    words = _on_image(truth, remarks, with_prior=with_prior) if with_image else [book.NO_IMAGE]
    if remarks is None:
        words.append(book.NO_PRIOR)
    if organ is not None:
        words.append(book.history_text(organ))
    if smoking in book.SMOKING:
        words.append(book.smoking_text(smoking))
    answer = "".join(f"<obj>{one}</obj>" for one in words)
    return Example(render(case, template=load_template(TEMPLATE)).text, answer, with_image, with_prior)


def _remarks(truth: Truth, rng: np.random.Generator) -> list[_Remark]:
    """What the newest report says: the past as it was, on the wrong side, or not at all, and what never was."""
    past = [(lesion, size) for lesion, size in zip(truth.lesions, truth.before_mm, strict=True) if size is not None]
    past += [(lesion, lesion.diameter_mm) for lesion in truth.gone]
    remarks: list[_Remark] = []
    for lesion, before_mm in past:
        if rng.random() < 0.15:
            continue
        place = place_of(lesion)
        if rng.random() < 0.15:  # the note has the wrong side
            place = Place(SIDES[1 - SIDES.index(place.side)], place.zone)
        size = before_mm * rng.uniform(0.9, 1.1) if rng.random() < 0.6 else None
        remarks.append(_Remark(place, "mass" if before_mm > MASS_MM else "nodule", size))
    if rng.random() < 0.12:  # a lesion that was never there
        remarks.append(_Remark(random_place(rng), "nodule", rng.uniform(6, 30) if rng.random() < 0.5 else None))
    return list({remark.place: remark for remark in remarks}.values())


def _case(
    rng: np.random.Generator, *, remarks: list[_Remark] | None, organ: str | None, smoking: str | None, with_prior: bool
) -> Case:
    notes = _notes(rng, remarks)
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
        image=_image(_STUDY_DAY),
        prior_image=_image(_earlier(_STUDY_DAY, rng)) if with_prior else None,
        notes=tuple(notes),
        indication=indication,
        age_years=int(rng.integers(18, 95)) if known_age else None,
        sex=("F", "M")[int(rng.integers(2))] if known_age else None,
        observations=tuple(values),
        inputs=_inputs(
            {
                InputName.CURRENT_IMAGE: True,
                InputName.PRIOR_IMAGE: with_prior,
                InputName.PRIOR_NOTES: bool(notes),
                InputName.INDICATION: indication is not None,
                InputName.STRUCTURED_VALUES: bool(values),
            }
        ),
    )


def _notes(rng: np.random.Generator, remarks: list[_Remark] | None) -> list[PriorNote]:
    """The newest report with those remarks (none where there is no report), perhaps an older one, perhaps a note."""
    notes: list[PriorNote] = []
    if remarks is not None:
        said = [wording.mention(rng, r.place, kind=r.kind, size_mm=r.size_mm) for r in remarks]
        notes.append(_note(rng, "report", wording.report(rng, said)))
        if rng.random() < 0.15:  # an older report, overtaken by the newer
            older = [wording.mention(rng, random_place(rng), kind="nodule", size_mm=None)] if rng.random() < 0.5 else []
            notes.append(_note(rng, "report", wording.report(rng, older), older_than=notes[0].written))
    if rng.random() < 0.2:
        notes.append(_note(rng, "note", wording.clinic_note(rng)))
    return notes


def _image(acquired: date) -> Image:
    return Image("0" * 64, 1, 1, "DX", None, None, None, acquired, True)


def _earlier(day: date, rng: np.random.Generator) -> date:
    """A day before that one: days to years, each as likely as the other."""
    return day - timedelta(days=int(np.exp(rng.uniform(np.log(2), np.log(1200)))))


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
    written = _earlier(older_than or _STUDY_DAY, rng)
    dated = older_than is not None or rng.random() < 0.9
    return PriorNote(f"n{int(rng.integers(2**40)):x}", written if dated else None, kind, text)


def _inputs(present: dict[InputName, bool]) -> tuple[InputState, ...]:
    return tuple(InputState(name, there, None if there else MissingReason.NOT_SENT) for name, there in present.items())


def _on_image(truth: Truth, remarks: list[_Remark] | None, *, with_prior: bool) -> list[str]:
    """What is said of the image: lesions or none, other findings, and what of the past is not seen."""
    words = [
        _statement(lesion, before_mm, remarks, with_prior=with_prior)
        for lesion, before_mm in zip(truth.lesions, truth.before_mm, strict=True)
    ]
    if not words:
        words = [book.NORMAL if truth.placed else book.UNPLACED]
    words += truth.described
    return words + _not_seen(truth, remarks, with_prior=with_prior)


def _statement(lesion: Lesion, before_mm: float | None, remarks: list[_Remark] | None, *, with_prior: bool) -> str:
    place = place_of(lesion)
    if with_prior:
        comparison = book.IMAGE_COMPARISONS[_change(lesion.diameter_mm, before_mm)]
    else:
        comparison = _by_report(lesion, place, remarks)
    tokens = "".join(place_tokens(lesion.x_min, lesion.y_min, lesion.x_max, lesion.y_max, side=SIDE_PX))
    return f"{book.lesion_text(lesion.kind, place, comparison)}<box>{tokens}</box>"


def _by_report(lesion: Lesion, place: Place, remarks: list[_Remark] | None) -> str:
    if remarks is None:
        return ""
    found = next((remark for remark in remarks if remark.place == place), None)
    if found is None:
        return book.COMPARISONS[NEW]
    return book.COMPARISONS[_change(lesion.diameter_mm, found.size_mm or lesion.diameter_mm)]


def _change(now_mm: float, before_mm: float | None) -> int:
    """The index of the comparison: new, larger, smaller or stable."""
    if before_mm is None:
        return NEW
    ratio = now_mm / before_mm
    return LARGER if ratio > GROWN else SMALLER if ratio < SHRUNK else STABLE


def _not_seen(truth: Truth, remarks: list[_Remark] | None, *, with_prior: bool) -> list[str]:
    """Lesions of the prior image, then of the report, that the current image does not show."""
    places = {place_of(lesion) for lesion in truth.lesions}
    words: list[str] = []
    for lesion in truth.gone if with_prior else ():
        if place_of(lesion) not in places:
            places.add(place_of(lesion))
            words.append(book.gone_image_text(lesion.kind, place_of(lesion)))
    return words + [book.gone_text(one.kind, one.place) for one in remarks or () if one.place not in places]
