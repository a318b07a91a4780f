"""De-identification, against the standard's own words."""

from __future__ import annotations

from datetime import date

import pydicom
import pytest
from pydicom.dataset import Dataset

from cases.deidentify import age_years, deidentify, parsed_date, refuse_burned_in, study_date
from cases.faults import BurnedInError
from cases.identity import identity_of


def cleaned(image: Dataset, days: int = -10) -> Dataset:
    return deidentify(image, pseudonym="P-0", days=days, new_uid=lambda old: f"2.25.{len(old)}")


def test_no_identifier_is_left_and_what_the_options_keep_is_kept(files):
    image = files.radiograph(
        PatientSize="1.62",
        PatientWeight="60",
        DeviceSerialNumber="SN-5",
        StationName="ROOM-2",
        InstitutionName="General",
        OperatorsName="Ophelia",
        StudyDescription="Zebrowska chest",
        PatientComments="a remark",
        AcquisitionDateTime="20200310081500.000",
    )
    image.add_new(0x00091010, "LO", "private Zebrowska")
    clean = cleaned(image)
    text = clean.to_json()
    assert not [secret for secret in (*files.SECRETS, "Ophelia", "General", "a remark") if secret in text]
    assert (clean.PatientName, clean.PatientID) == ("P-0", "P-0")
    assert (clean.PatientAge, clean.PatientSex, clean.PatientSize) == ("059Y", "F", 1.62)
    assert (clean.DeviceSerialNumber, clean.StationName) == ("SN-5", "ROOM-2")
    assert (clean.StudyDate, clean.AcquisitionDateTime) == ("20200229", "20200229081500.000")  # 2020 has a 29th
    assert "PatientBirthDate" not in clean
    assert not [element for element in clean if element.tag.is_private]
    assert image.PatientID == "MRN-777123"  # the original is not touched


def test_the_header_says_what_was_done(files):
    clean = cleaned(files.radiograph())
    assert (clean.PatientIdentityRemoved, clean.LongitudinalTemporalInformationModified) == ("YES", "MODIFIED")
    codes = {item.CodeValue for item in clean.DeidentificationMethodCodeSequence}
    # PS3.16 CID 7050: basic profile, modified dates, patient characteristics, device identity
    assert codes == {"113100", "113107", "113108", "113109"}
    assert {item.CodingSchemeDesignator for item in clean.DeidentificationMethodCodeSequence} == {"DCM"}


def test_sequences_are_entered(files):
    image = files.radiograph()
    person, region = Dataset(), Dataset()
    person.PersonName, person.OperatorsName = "Zebrowska^Kazimiera", "Quackenbush^Emil"
    region.CodeMeaning = "Chest"
    region.add_new("PerformingPhysicianName", "PN", "Quackenbush^Emil")
    region.add_new("StudyInstanceUID", "UI", files.STUDY_UID)
    image.AnatomicRegionSequence = [region]
    text = cleaned(image).to_json()
    assert "Quackenbush" not in text
    assert files.STUDY_UID not in text
    assert "Chest" in text


def test_the_real_header_keeps_no_identifier(files):
    image = pydicom.dcmread(files.packaged("RG1_UNCR"), stop_before_pixels=True)
    text = cleaned(image).to_json()
    for secret in (
        "CompressedSamples",
        "9RG1",
        "19400305",
        "26210",
        "20040826185059",
        "Hamburg",
        "ward",
        "exam Number",
    ):
        assert secret in image.to_json()
        assert secret not in text
    assert "92.00.003" in text  # device identity is kept


def test_burned_in_text_is_refused(files):
    refuse_burned_in(files.radiograph())
    refuse_burned_in(files.radiograph(BurnedInAnnotation="NO"))
    with pytest.raises(BurnedInError, match="burned-in"):
        refuse_burned_in(files.radiograph(BurnedInAnnotation="YES"))


@pytest.mark.parametrize(
    ("elements", "years"),
    [
        ({"PatientAge": "064Y"}, 64),
        ({"PatientAge": "018M"}, 1),  # rounds down
        ({"PatientAge": "100D"}, 0),
        ({"PatientAge": "12"}, 59),  # no unit: the birth date is used instead
        ({}, 59),  # 4 July 1960 to 10 March 2020: not yet sixty
        ({"StudyDate": "20200704"}, 60),
        ({"StudyDate": "20200703"}, 59),
        ({"StudyDate": "19500101"}, None),  # born after the study
        ({"PatientBirthDate": "1960"}, None),
        ({"PatientBirthDate": None}, None),
    ],
)
def test_age(files, elements, years):
    assert age_years(files.radiograph(**elements)) == years


def test_the_very_old_are_not_known_by_their_age(files):
    assert cleaned(files.radiograph(PatientAge="103Y")).PatientAge == "090Y"


def test_study_date_falls_back(files):
    assert study_date(files.radiograph(StudyDate="", ContentDate="20190102")) == date(2019, 1, 2)
    assert parsed_date("20190230") is None


def test_an_identity_does_not_show_itself(files):
    identity = identity_of(files.radiograph())
    assert not any(secret in repr(identity) for secret in files.SECRETS)
    assert identity.patient_key == "id\x1f\x1fMRN-777123"
    assert set(identity.people) == {"Zebrowska^Kazimiera", "Quackenbush^Emil"}


def test_patients_without_a_number_are_told_apart(files):
    named = identity_of(files.radiograph(PatientID=""))
    nameless = identity_of(files.radiograph(PatientID="", PatientName=""))
    assert len({named.patient_key, nameless.patient_key, identity_of(files.radiograph()).patient_key}) == 3
