"""What names a patient in a DICOM header, gathered once: for the crosswalk, the pseudonym and the notes.

Everything here is protected; nothing of it is shown by `repr`, so that it cannot slip into a log or a traceback.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

_PERSON_VR = "PN"
_OTHER_NAMES = (
    "InstitutionName",
    "InstitutionAddress",
    "PatientAddress",
    "PatientTelephoneNumbers",
)
_NUMBERS = (
    "PatientID",
    "OtherPatientIDs",
    "AccessionNumber",
    "StudyID",
    "AdmissionID",
    "RequestedProcedureID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
)


@dataclass(frozen=True, slots=True)
class Identity:
    """The real identifiers of one image.

    Attributes:
        patient_id, issuer: as the hospital numbers its patients; "" where the header does not say.
        patient_name: DICOM person name, components divided by "^".
        birth_date: YYYYMMDD, "" where unknown.
        accession_number, study_instance_uid, series_instance_uid, sop_instance_uid: of the image.
        people: every person name in the header, the patient's among them.
        words: every other identifying value, to be looked for in notes.
    """

    patient_id: str = field(repr=False)
    issuer: str = field(repr=False)
    patient_name: str = field(repr=False)
    birth_date: str = field(repr=False)
    accession_number: str = field(repr=False)
    study_instance_uid: str = field(repr=False)
    series_instance_uid: str = field(repr=False)
    sop_instance_uid: str = field(repr=False)
    people: tuple[str, ...] = field(repr=False, default=())
    words: tuple[str, ...] = field(repr=False, default=())

    @property
    def patient_key(self) -> str:
        """What makes two studies one patient's: the number with its issuer, else name and birth date, else the study.

        Issuer and number are divided by a character that neither can hold (PS3.5 6.2 bars control characters), so that
        no two patients share a key.
        """
        if self.patient_id:
            return f"id\x1f{self.issuer}\x1f{self.patient_id}"
        if self.patient_name and self.birth_date:
            return f"name\x1f{self.patient_name}\x1f{self.birth_date}"
        return f"study\x1f{self.study_instance_uid}"


def identity_of(header: Dataset) -> Identity:
    """The identifiers that a header holds, sequences included for names of people."""
    return Identity(
        patient_id=_text(header, "PatientID"),
        issuer=_text(header, "IssuerOfPatientID"),
        patient_name=_text(header, "PatientName"),
        birth_date=_text(header, "PatientBirthDate"),
        accession_number=_text(header, "AccessionNumber"),
        study_instance_uid=_text(header, "StudyInstanceUID"),
        series_instance_uid=_text(header, "SeriesInstanceUID"),
        sop_instance_uid=_text(header, "SOPInstanceUID"),
        people=tuple(dict.fromkeys(name for name in _people(header) if name)),
        words=tuple(dict.fromkeys(word for word in _words(header) if word)),
    )


def _text(header: Dataset, keyword: str) -> str:
    value = header.get(keyword)
    return "" if value is None else str(value).strip()


def _people(header: Dataset) -> Iterator[str]:
    for element in header:
        if element.VR == _PERSON_VR:
            yield from _each(element.value)
        elif element.VR == "SQ":
            for item in element.value:
                yield from _people(item)


def _words(header: Dataset) -> Iterator[str]:
    for keyword in (*_NUMBERS, *_OTHER_NAMES):
        yield from _each(header.get(keyword))
    for item in header.get("OtherPatientIDsSequence") or ():
        yield from _each(item.get("PatientID"))


def _each(value: object) -> Iterator[str]:
    """The values of an element, one by one, whether it holds one or several."""
    if value is None:
        return
    several = not isinstance(value, str) and hasattr(value, "__iter__") and not hasattr(value, "components")
    for part in value if several else (value,):  # type: ignore[attr-defined]
        yield str(part).strip()
