"""The scope gate: who is drafted, and why not."""

from __future__ import annotations

import pydicom
import pytest
from pydicom.dataset import Dataset

from cases.deidentify import age_years
from cases.scope import scope_of, view_position


def region(meaning: str) -> list[Dataset]:
    item = Dataset()
    item.CodeMeaning = meaning
    return [item]


OUT = [
    ({"Modality": "CT"}, "this is a CT"),
    ({"Modality": "US"}, "an ultrasound"),
    ({"Modality": "Kowalska"}, "not a radiograph"),  # what is no code is not quoted
    ({"Modality": ""}, "not a radiograph"),
    ({"BodyPartExamined": "LEG"}, "the leg"),
    ({"BodyPartExamined": "EXTREMITY"}, "the extremity"),
    ({"BodyPartExamined": "Kowalska"}, "a body part other than the chest"),
    ({"BodyPartExamined": None, "AnatomicRegionSequence": region("Knee")}, "the knee"),
    ({"ViewPosition": "LL"}, "a lateral"),
    ({"ViewPosition": "LATERAL"}, "a lateral"),
    ({"ViewPosition": "LLD"}, "a lateral"),  # decubitus
    ({"ViewPosition": "Kowalska"}, "neither PA nor AP"),
    ({"ViewPosition": "", "PatientOrientation": ["A", "F"]}, "a lateral"),  # rows run to the front
    ({"ViewPosition": "", "SeriesDescription": "W033 Thorax lat"}, "a lateral"),
    ({"ViewPosition": None, "SeriesDescription": "CHEST LATERAL"}, "a lateral"),
    ({"PatientAge": "017Y"}, "a child"),
    ({"PatientAge": "011M"}, "a child"),
    ({"PatientBirthDate": "20100101"}, "a child"),
    ({"PresentationIntentType": "FOR PROCESSING"}, "raw detector data"),
]


@pytest.mark.parametrize(("elements", "reason"), OUT)
def test_out_of_scope_with_its_reason(files, elements, reason):
    image = files.radiograph(**elements)
    found = scope_of(image, age_years=age_years(image))
    assert found.abstention is not None
    assert found.abstention.startswith("out of scope: ")
    assert reason in found.abstention
    assert "Kowalska" not in found.abstention


IN = [
    ({}, 0),
    ({"Modality": "DX", "ViewPosition": "AP"}, 0),
    ({"BodyPartExamined": "THORAX"}, 0),
    ({"ViewPosition": ""}, 1),  # frontal not stated: taken as frontal, and said
    ({"ViewPosition": None, "SeriesDescription": "platelet study"}, 1),  # "lat" within a word is no lateral view
    ({"BodyPartExamined": ""}, 1),
    ({"BodyPartExamined": "", "AnatomicRegionSequence": region("Chest")}, 0),
    ({"PatientBirthDate": None}, 1),  # age unknown
    ({"PatientAge": "018Y"}, 0),
    ({"PatientOrientation": ["R", "F"]}, 1),  # mirrored
    ({"PatientOrientation": ["L", "F"]}, 0),
]


@pytest.mark.parametrize(("elements", "warnings"), IN)
def test_in_scope_and_what_was_left_open(files, elements, warnings):
    image = files.radiograph(**elements)
    found = scope_of(image, age_years=age_years(image))
    assert found.abstention is None
    assert len(found.warnings) == warnings


@pytest.mark.parametrize(
    ("name", "reason"),
    [("RG3_UNCR", "the extremity"), ("693_J2KR", "a CT"), ("MR2_J2KI", "an MR"), ("US1_UNCR", "an ultra")],
)
def test_files_that_others_ship(files, name, reason):
    image = pydicom.dcmread(files.packaged(name), stop_before_pixels=True)
    assert reason in scope_of(image, age_years=40).abstention


def test_the_real_radiograph_is_in_scope(files):
    image = pydicom.dcmread(files.packaged("RG1_UNCR"), stop_before_pixels=True)
    assert scope_of(image, age_years=age_years(image)).abstention is None
    assert view_position(image) == "PA"


def test_a_view_that_is_not_stated_is_none(files):
    assert view_position(files.radiograph(ViewPosition="")) is None
