"""One patient's images, notes and values become one `Case`: chosen, de-identified, with each input accounted for.

Not here: where the files come from (`cases.intake`) and what keeps the result. Everything that goes into the case is
taken from the de-identified header or was reduced; the identities go to the crosswalk only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases.audit import canonical_json
from cases.deidentify import OLDEST_STATED_AGE, age_years, deidentify, refuse_burned_in, shifted, study_date
from cases.images import pixels_sha256
from cases.notes import REDUCED, Reducer, prior_notes
from cases.scope import Scope, scope_of, view_position
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
    from collections.abc import Callable
    from datetime import date, datetime

    import numpy as np
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from cases.case_file import CaseFile
    from cases.crosswalk import Site
    from cases.decode import Decoded
    from cases.identity import Identity
    from cases.notes import RawNote

_LONGEST_SCANNER = 64


@dataclass(frozen=True, slots=True)
class Candidate:
    """One image that was sent.

    Attributes:
        header: identifiers and all; it lives during an import only.
        identity: the identifiers in it.
        render: its pixels, when they are wanted.
    """

    header: Dataset
    identity: Identity
    render: Callable[[], Decoded]

    def __repr__(self) -> str:
        return "Candidate()"


@dataclass(frozen=True, slots=True)
class Assembled:
    """A case that may be kept now: nothing was written yet."""

    case: Case
    identity: Identity
    pixels: NDArray[np.uint16] | None


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
    chosen, scope, warnings = _choose(candidates, case_file.age)
    days = site.shift_days(chosen.identity)
    clean = deidentify(chosen.header, pseudonym=site.pseudonym(chosen.identity), days=days, new_uid=site.uid)
    reduce = Reducer([candidate.identity for candidate in candidates], days=days)
    pixels, image, rendered = _image(chosen, clean) if scope.abstention is None else (None, None, ())
    texts = _texts(case_file, notes, reduce=reduce, days=days)
    age, sex, disagreements = _characteristics(clean, chosen.header, case_file)
    case = Case(
        case_id=site.case_id(
            chosen.identity, _content(image, texts, age, sex) if image else _content_of(chosen, texts)
        ),
        patient_pseudonym=site.pseudonym(chosen.identity),
        received=received,
        status=CaseStatus.REGISTERED if image else CaseStatus.ABSTAINED,
        image=image,
        notes=texts.notes,
        indication=texts.indication,
        age_years=age,
        sex=sex,
        observations=texts.observations,
        inputs=_inputs(image, texts, older=_has_older(candidates, chosen)),
        abstention=scope.abstention,
        scanner=_scanner(clean, reduce),
        warnings=(*warnings, *scope.warnings, *rendered, *disagreements, *_note_warnings(texts, clean)),
    )
    return Assembled(case, chosen.identity, pixels)


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


def _choose(candidates: tuple[Candidate, ...], stated_age: int | None) -> tuple[Candidate, Scope, tuple[str, ...]]:
    """The newest image in scope; where none is, the newest of all, to say why not."""
    newest_first = sorted(candidates, key=_moment, reverse=True)
    judged = [
        (candidate, scope_of(candidate.header, age_years=_lowest_age(candidate, stated_age)))
        for candidate in newest_first
    ]
    chosen, scope = next(((image, scope) for image, scope in judged if scope.abstention is None), judged[0])
    left = len(judged) - 1
    out = sum(other.abstention is not None for image, other in judged if image is not chosen)
    if not left:
        return chosen, scope, ()
    words = f"{left} more image(s) of this patient were left out, {out} of them out of scope: one frontal image is read"
    return chosen, scope, (words,)


def _moment(candidate: Candidate) -> tuple[str, str, str]:
    header = candidate.header
    day = study_date(header)
    time = next(
        (str(header[key].value) for key in ("AcquisitionTime", "ContentTime", "StudyTime") if header.get(key)), ""
    )
    return (day.isoformat() if day else "", time, candidate.identity.sop_instance_uid)


def _lowest_age(candidate: Candidate, stated: int | None) -> int | None:
    ages = [age for age in (age_years(candidate.header), stated) if age is not None]
    return min(ages, default=None)


def _has_older(candidates: tuple[Candidate, ...], chosen: Candidate) -> bool:
    """Whether an earlier frontal image was sent, which this version does not read."""
    return any(
        other.identity.study_instance_uid != chosen.identity.study_instance_uid
        and scope_of(other.header, age_years=None).abstention is None
        for other in candidates
    )


def _image(chosen: Candidate, clean: Dataset) -> tuple[NDArray[np.uint16], Image, tuple[str, ...]]:
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
    return decoded.pixels, image, (*decoded.warnings, *warnings, *lossy)


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


def _inputs(image: Image | None, texts: _Texts, *, older: bool) -> tuple[InputState, ...]:
    not_sent = MissingReason.NOT_SENT
    missing = {
        InputName.CURRENT_IMAGE: None if image else MissingReason.EXCLUDED,
        InputName.PRIOR_IMAGE: MissingReason.EXCLUDED if older else not_sent,
        InputName.PRIOR_NOTES: None if texts.notes else not_sent,
        InputName.INDICATION: None if texts.indication else not_sent,
        InputName.STRUCTURED_VALUES: None if texts.observations else not_sent,
    }
    return tuple(InputState(name, reason is None, reason) for name, reason in missing.items())


def _content(image: Image, texts: _Texts, age: int | None, sex: str | None) -> str:
    """A digest of all that a draft may use, so that one study with other notes is another case."""
    return _digest([image.sha256, _plain(texts), age, sex])


def _content_of(chosen: Candidate, texts: _Texts) -> str:
    return _digest([chosen.identity.sop_instance_uid, _plain(texts)])


def _plain(texts: _Texts) -> list[object]:
    return [
        [[str(note.written), note.kind, note.text] for note in texts.notes],
        texts.indication,
        [[item.name, item.value, str(item.observed)] for item in texts.observations],
    ]


def _digest(value: object) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
