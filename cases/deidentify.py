"""A header is de-identified on the way in, by dicom-anonymizer's table of the standard, with three of its options.

DICOM PS3.15 Annex E: Basic Application Level Confidentiality Profile with Retain Patient Characteristics, Retain Device
Identity and Retain Longitudinal Temporal Information with Modified Dates. What the library leaves open is closed here:
it does not enter sequences, draws random UIDs, and does not say in the header what was done (E.1.1, items 6 and 8).

Pixels are not cleaned: an image that says it carries burned-in text is refused (`refuse_burned_in`).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from cases.faults import BurnedInError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataset import Dataset

    Action = Callable[[Dataset, tuple[int, int]], None]

OLDEST_STATED_AGE = 90  # older patients are few enough to be known by their age (45 CFR 164.514(b)(2)(i)(C))
_EDITION = "dicomfields_2026c"
_METHODS = (  # DICOM PS3.16 CID 7050
    ("113100", "Basic Application Confidentiality Profile"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    ("113108", "Retain Patient Characteristics Option"),
    ("113109", "Retain Device Identity Option"),
)
# Columns of PS3.15 Table E.1-1; free text that the options would have us clean is removed instead, which is stricter.
_PATIENT_CHARACTERISTICS = (
    "EthnicGroup",
    "PatientAge",
    "PatientSex",
    "PatientSize",
    "PatientWeight",
    "PregnancyStatus",
    "SmokingStatus",
)
_DEVICE_IDENTITY = (
    "CassetteID",
    "DetectorID",
    "DeviceSerialNumber",
    "DeviceUID",
    "GantryID",
    "GeneratorID",
    "PerformedStationName",
    "PlateID",
    "ScheduledStationName",
    "StationName",
    "XRayDetectorID",
    "XRaySourceID",
)
_NEVER_KEPT_DATES = ("PatientBirthDate", "PatientBirthTime", "PatientBirthDateInAlternativeCalendar")


def refuse_burned_in(header: Dataset) -> None:
    """Refuse an image whose pixels may name the patient.

    Raises:
        BurnedInError: BurnedInAnnotation is YES (PS3.3 C.7.6.1).
    """
    if str(header.get("BurnedInAnnotation") or "").strip().upper() == "YES":
        msg = "the header says that the image carries burned-in text (BurnedInAnnotation is YES)"
        raise BurnedInError(msg)


def deidentify(header: Dataset, *, pseudonym: str, days: int, new_uid: Callable[[str], str]) -> Dataset:
    """A de-identified copy of a header.

    Args:
        header: without pixels, private and bulk elements (`cases.decode` leaves them behind).
        pseudonym: takes the place of the patient's name and number.
        days: added to every date; the same for all studies of a patient, so that intervals stay true.
        new_uid: old UID to new one; the same for the same UID, so that references stay true.

    Returns:
        A new data set; PatientAge is worked out from the birth date where the header does not state it.
    """
    from copy import deepcopy

    from pydicom.config import disable_value_validation

    with disable_value_validation():  # pydicom's remarks quote the value they remark on
        clean = deepcopy(header)
        age = age_years(header)
        _anonymize(clean, _rules(days, new_uid))
        clean.PatientName = clean.PatientID = pseudonym
        if age is not None:
            clean.PatientAge = f"{min(age, OLDEST_STATED_AGE):03d}Y"
        _say_what_was_done(clean)
    return clean


def _anonymize(dataset: Dataset, rules: dict[tuple[int, int], Action]) -> None:
    from dicomanonymizer.simpledicomanonymizer import anonymize_dataset, initialize_actions

    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                _anonymize(item, rules)
    anonymize_dataset(dataset, rules, True, lambda: initialize_actions(_EDITION))


def _rules(days: int, new_uid: Callable[[str], str]) -> dict[tuple[int, int], Action]:
    """What the options change in the library's table, tag by tag."""
    from dicomanonymizer.simpledicomanonymizer import initialize_actions, keep
    from pydicom.datadict import dictionary_has_tag, dictionary_VR

    kept = {_tag(keyword) for keyword in (*_PATIENT_CHARACTERISTICS, *_DEVICE_IDENTITY)}
    dropped = {_tag(keyword) for keyword in _NEVER_KEPT_DATES}
    by_vr: dict[str, Action] = {"DA": _shift_by(days), "DT": _shift_by(days), "TM": keep, "UI": _replace_by(new_uid)}
    rules: dict[tuple[int, int], Action] = {}
    for tag in initialize_actions(_EDITION):
        if tag in kept:
            rules[tag] = keep
        elif tag in dropped:
            rules[tag] = _remove
        elif len(tag) == 2 and dictionary_has_tag(tag) and dictionary_VR(tag) in by_vr:
            rules[tag] = by_vr[dictionary_VR(tag)]
    return rules


def _tag(keyword: str) -> tuple[int, int]:
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword)
    if tag is None:
        msg = f"{keyword} is no DICOM keyword"
        raise KeyError(msg)
    return tag >> 16, tag & 0xFFFF


def _remove(dataset: Dataset, tag: tuple[int, int]) -> None:
    if tag in dataset:
        del dataset[tag]


def _shift_by(days: int) -> Action:
    def shift(dataset: Dataset, tag: tuple[int, int]) -> None:
        if tag in dataset:
            value = str(dataset[tag].value or "")
            moved = shifted(parsed_date(value[:8]), days)
            dataset[tag].value = "" if moved is None else f"{moved:%Y%m%d}{value[8:]}"

    return shift


def _replace_by(new_uid: Callable[[str], str]) -> Action:
    def replace(dataset: Dataset, tag: tuple[int, int]) -> None:
        if tag in dataset:
            value = dataset[tag].value or ""
            several = not isinstance(value, str)
            dataset[tag].value = [new_uid(str(uid)) for uid in value] if several else new_uid(str(value))

    return replace


def _say_what_was_done(dataset: Dataset) -> None:
    from pydicom.dataset import Dataset as Item

    codes = []
    for value, meaning in _METHODS:
        code = Item()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
        codes.append(code)
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "PS3.15 basic profile by dicom-anonymizer, with the options coded beside this"
    dataset.DeidentificationMethodCodeSequence = codes
    dataset.LongitudinalTemporalInformationModified = "MODIFIED"


def age_years(header: Dataset) -> int | None:
    """Whole years: PatientAge where it is stated, else from birth date to study date, else None.

    Units of days, weeks and months round down to years. Source: PS3.5 6.2, VR AS.
    """
    stated = str(header.get("PatientAge") or "").strip().upper()
    per_year = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}
    if len(stated) >= 2 and stated[:-1].isdigit() and stated[-1] in per_year:
        return int(int(stated[:-1]) / per_year[stated[-1]])
    born, studied = parsed_date(str(header.get("PatientBirthDate") or "")), study_date(header)
    if born is None or studied is None or studied < born:
        return None
    return studied.year - born.year - ((studied.month, studied.day) < (born.month, born.day))


def study_date(header: Dataset) -> date | None:
    """When the study was made: StudyDate, else the first other date of the image."""
    for keyword in ("StudyDate", "AcquisitionDate", "ContentDate", "SeriesDate"):
        found = parsed_date(str(header.get(keyword) or ""))
        if found is not None:
            return found
    return None


def parsed_date(value: str) -> date | None:
    """A DICOM date, None where it is none.

    >>> parsed_date("20040826"), parsed_date("2004"), parsed_date("")
    (datetime.date(2004, 8, 26), None, None)
    """
    digits = value.strip().replace(".", "")
    if len(digits) != 8 or not digits.isascii() or not digits.isdigit():
        return None
    try:
        return datetime.strptime(digits, "%Y%m%d").date()  # noqa: DTZ007  a date has no zone
    except ValueError:
        return None


def shifted(day: date | None, days: int) -> date | None:
    """A day moved by the patient's shift; None stays None, and so does what leaves the calendar.

    >>> shifted(date(2004, 8, 26), -30)
    datetime.date(2004, 7, 27)
    """
    if day is None:
        return None
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return None
