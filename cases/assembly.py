"""One patient's images, notes and values become one `Case`: chosen, de-identified, with each input accounted for.

Not here: where the files come from (`cases.intake`) and what keeps the result. Everything that goes into the case is
taken from the de-identified header or was reduced; the identities go to the crosswalk only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases.audit import canonical_json
from cases.choice import choose
from cases.deidentify import OLDEST_STATED_AGE, age_years, deidentify, refuse_burned_in, shifted, study_date
from cases.faults import CaseError
from cases.images import pixels_sha256
from cases.notes import REDUCED, Reducer, prior_notes
from cases.scope import view_position
from cases.spacing import spacing_mm
from cases.study import (
    Case,
    CaseStatus,
    Image,
    InputName,
    InputState,
    MissingReason,
    Observation,
    PriorNote,
)

if TYPE_CHECKING:
    from datetime import date, datetime

    import numpy as np
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from cases.case_file import CaseFile
    from cases.choice import Candidate, Choice
    from cases.crosswalk import Site
    from cases.identity import Identity
    from cases.notes import RawNote

_LONGEST_SCANNER = 64


@dataclass(frozen=True, slots=True)
class Assembled:
    """A case that may be kept now: nothing was written yet. `pixels` are those of its images, the current one first."""

    case: Case
    identity: Identity
    pixels: tuple[NDArray[np.uint16], ...]


@dataclass(frozen=True, slots=True)
class _Picture:
    """An image of the case, its pixels, and what the reader should know of it."""

    image: Image
    pixels: NDArray[np.uint16]
    warnings: tuple[str, ...]


def assemble(
    candidates: tuple[Candidate, ...],
    *,
    case_file: CaseFile,
    notes: tuple[RawNote, ...],
    site: Site,
    received: datetime,
) -> Assembled:
    """A case from what was sent for one patient.

    Raises:
        CaseError: the chosen image cannot be used.
    """
    choice = choose(candidates, stated_age=case_file.age)
    chosen = choice.current
    clean, days = _clean(chosen, site), site.shift_days(chosen.identity)
    reduce = Reducer([candidate.identity for candidate in candidates], days=days)
    current = _picture(chosen, clean) if choice.scope.abstention is None else None
    prior, prior_missing, lost = _prior(choice, site)
    texts = _texts(case_file, notes, reduce=reduce, days=days)
    age, sex, disagreements = _characteristics(clean, chosen.header, case_file)
    pictures = tuple(one for one in (current, prior) if one is not None)
    case = Case(
        case_id=site.case_id(chosen.identity, _content(chosen, pictures, [_plain(texts), age, sex])),
        patient_pseudonym=site.pseudonym(chosen.identity),
        received=received,
        status=CaseStatus.REGISTERED if current else CaseStatus.ABSTAINED,
        image=current.image if current else None,
        prior_image=prior.image if prior else None,
        notes=texts.notes,
        indication=texts.indication,
        age_years=age,
        sex=sex,
        observations=texts.observations,
        inputs=_inputs(current, texts, prior_missing=prior_missing),
        abstention=choice.scope.abstention,
        scanner=_scanner(clean, reduce),
        warnings=(*_image_warnings(choice, current), *lost, *disagreements, *_note_warnings(texts, clean)),
    )
    return Assembled(case, chosen.identity, tuple(one.pixels for one in pictures))


def _image_warnings(choice: Choice, current: _Picture | None) -> tuple[str, ...]:
    return (*choice.warnings, *choice.scope.warnings, *(current.warnings if current else ()))


def _clean(candidate: Candidate, site: Site) -> Dataset:
    days = site.shift_days(candidate.identity)
    return deidentify(candidate.header, pseudonym=site.pseudonym(candidate.identity), days=days, new_uid=site.uid)


def _prior(choice: Choice, site: Site) -> tuple[_Picture | None, MissingReason | None, tuple[str, ...]]:
    """The image to compare with, or why there is none; one that cannot be read does not cost the case."""
    if choice.prior is None:
        return None, MissingReason.EXCLUDED if choice.prior_left_out else MissingReason.NOT_SENT, ()
    try:
        found = _picture(choice.prior, _clean(choice.prior, site))
    except CaseError as fault:
        return None, MissingReason.UNREADABLE, (f"the prior image cannot be used ({fault.rule}): {fault}",)
    return found, None, tuple(f"prior image: {words}" for words in found.warnings)


@dataclass(frozen=True, slots=True)
class _Texts:
    notes: tuple[PriorNote, ...]
    indication: str | None
    observations: tuple[Observation, ...]


def _texts(case_file: CaseFile, notes: tuple[RawNote, ...], *, reduce: Reducer, days: int) -> _Texts:
    return _Texts(
        prior_notes(notes, reduce=reduce, days=days),
        None if case_file.indication is None else reduce(case_file.indication),
        tuple(
            Observation(reduce(item.name), reduce(item.value), shifted(item.observed, days))
            for item in case_file.all_observations()
        ),
    )


def _picture(chosen: Candidate, clean: Dataset) -> _Picture:
    refuse_burned_in(chosen.header)
    decoded = chosen.render()
    spacing, source, warnings = spacing_mm(clean)
    rows, columns = decoded.pixels.shape
    image = Image(
        sha256=pixels_sha256(decoded.pixels),
        rows=rows,
        columns=columns,
        modality=str(clean.Modality),
        view_position=view_position(clean),
        pixel_spacing_mm=spacing,
        spacing_source=source,
        acquired=study_date(clean),
        simulated="SIMULATED" in str(chosen.header.get("SeriesDescription") or "").upper(),
    )
    lossy = ("the image was compressed with loss",) if str(clean.get("LossyImageCompression") or "") == "01" else ()
    return _Picture(image, decoded.pixels, (*decoded.warnings, *warnings, *lossy))


def _characteristics(
    clean: Dataset, header: Dataset, case_file: CaseFile
) -> tuple[int | None, str | None, tuple[str, ...]]:
    """Age and sex: the header's, else those of `case.json`, and where the two disagree."""
    header_age, header_sex = age_years(clean), str(clean.get("PatientSex") or "").strip().upper()
    sex = header_sex if header_sex in ("F", "M", "O") else case_file.sex
    stated = None if case_file.age is None else min(case_file.age, OLDEST_STATED_AGE)
    age = header_age if header_age is not None else stated
    checks = (
        (age is not None and stated is not None and abs(age - stated) > 1, "header and case.json disagree on the age"),
        (case_file.sex is not None and sex != case_file.sex, "header and case.json disagree on the sex"),
        (
            (age_years(header) or case_file.age or 0) > OLDEST_STATED_AGE,
            f"the age is given as {OLDEST_STATED_AGE} and over",
        ),
    )
    return age, sex, tuple(words for true, words in checks if true)


def _scanner(clean: Dataset, reduce: Reducer) -> str | None:
    parts = (str(clean.get(keyword) or "").strip() for keyword in ("Manufacturer", "ManufacturerModelName"))
    return reduce(" ".join(part for part in parts if part))[:_LONGEST_SCANNER] or None


def _note_warnings(texts: _Texts, clean: Dataset) -> tuple[str, ...]:
    studied = study_date(clean)
    later = sum(_after(note.written, studied) for note in texts.notes)
    reduced = (REDUCED,) if texts.notes or texts.indication or texts.observations else ()
    return (*reduced, *((f"{later} note(s) are dated after the image",) if later else ()))


def _after(written: date | None, studied: date | None) -> bool:
    return written is not None and studied is not None and written > studied


def _inputs(current: _Picture | None, texts: _Texts, *, prior_missing: MissingReason | None) -> tuple[InputState, ...]:
    not_sent = MissingReason.NOT_SENT
    missing = {
        InputName.CURRENT_IMAGE: None if current else MissingReason.EXCLUDED,
        InputName.PRIOR_IMAGE: prior_missing,
        InputName.PRIOR_NOTES: None if texts.notes else not_sent,
        InputName.INDICATION: None if texts.indication else not_sent,
        InputName.STRUCTURED_VALUES: None if texts.observations else not_sent,
    }
    return tuple(InputState(name, reason is None, reason) for name, reason in missing.items())


def _content(chosen: Candidate, pictures: tuple[_Picture, ...], known: list[object]) -> str:
    """A digest of all that a draft may use, so that one study with other notes is another case.

    Where no image is read, nothing but the file and the words (the first of `known`) tells cases apart.
    """
    if not pictures:
        return _digest([chosen.identity.sop_instance_uid, known[0]])
    return _digest([*(one.image.sha256 for one in pictures), *known])


def _plain(texts: _Texts) -> list[object]:
    return [
        [[str(note.written), note.kind, note.text] for note in texts.notes],
        texts.indication,
        [[item.name, item.value, str(item.observed)] for item in texts.observations],
    ]


def _digest(value: object) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
