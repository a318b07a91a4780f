"""Simulated cases, their files and the demo: valid DICOM, stated situations, and no way from the files to the truth."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from cases.crosswalk import Site
from cases.images import ImageStore
from cases.intake import import_path
from cases.phantom.demo import FIRST_SEED, demo_stories, write_demo
from cases.phantom.dicom_out import write_case, write_truth
from cases.phantom.image_set import COLUMNS, case_seed, simulated_set
from cases.phantom.lesions import Lesion, LesionKind, Zone
from cases.phantom.simulated import SimulatedCase, Truth, case_from_story, simulated_case
from cases.phantom.story import History, LesionPlan, Mention, NotePlan, Says, Story, draw_story, mentions
from cases.phantom.wording import report_text
from grounding.box import Box
from grounding.report import Laterality

SIDE = 128
# type 1 and 2 attributes of the DX modules, and what the intake reads
REQUIRED = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "Modality",
    "PresentationIntentType",
    "ImageType",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelIntensityRelationship",
    "PixelIntensityRelationshipSign",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "PresentationLUTShape",
    "LossyImageCompression",
    "BurnedInAnnotation",
    "ImagerPixelSpacing",
    "DetectorType",
    "ViewPosition",
    "BodyPartExamined",
    "ImageLaterality",
    "PatientOrientation",
    "AnatomicRegionSequence",
    "ViewCodeSequence",
    "AcquisitionContextSequence",
    "WindowCenter",
    "WindowWidth",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyID",
    "SeriesNumber",
    "InstanceNumber",
    "SeriesDescription",
)
KNOWN = (
    LesionPlan(20.0, History.STABLE),
    Lesion(LesionKind.NODULE, Box(0.2, 0.2, 0.3, 0.3), 20.0, 0.15, Laterality.LEFT, Zone.UPPER, False, (0.25, 0.25)),
)


@pytest.fixture(scope="module")
def cases() -> tuple[SimulatedCase, ...]:
    return tuple(simulated_case(seed=seed, side_px=SIDE) for seed in range(40, 52))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    return write_demo(tmp_path_factory.mktemp("demo") / "incoming")


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_case(simulated_case(seed=9, side_px=SIDE), tmp_path / name)
    assert _files(tmp_path / "a") == _files(tmp_path / "b")


def test_a_file_is_a_valid_dx_image_that_gives_the_pixels_back(cases, tmp_path: Path) -> None:
    kinds = set()
    for case in cases:
        image = pydicom.dcmread(write_case(case, tmp_path) / "image.dcm")
        missing = [keyword for keyword in REQUIRED if keyword not in image]
        assert missing == []
        assert image.file_meta.MediaStorageSOPInstanceUID == image.SOPInstanceUID
        assert image.SOPClassUID.name == "Digital X-Ray Image Storage - For Presentation"
        assert all(uid.is_valid for uid in (image.SOPInstanceUID, image.StudyInstanceUID, image.SeriesInstanceUID))
        assert image.SeriesDescription.startswith("SIMULATED")
        assert float(image.ImagerPixelSpacing[0]) * image.Rows == pytest.approx(375.0, abs=1e-3)
        shown = image.pixel_array / 4095.0
        inverted = image.PhotometricInterpretation == "MONOCHROME1"
        assert image.PresentationLUTShape == ("INVERSE" if inverted else "IDENTITY")
        assert image.PixelIntensityRelationshipSign == (1 if inverted else -1)
        kinds.add(inverted)
        assert np.abs((1 - shown if inverted else shown) - case.pixels).max() <= 0.5 / 4095 + 1e-6
    assert kinds == {True, False}


def test_what_is_not_the_picture_does_not_depend_on_the_truth(tmp_path: Path) -> None:
    """One story told with and without a lesion that no note knows: all files agree but for the pixels."""
    told = Story((), (NotePlan(Says.INVENTED, 100), NotePlan(Says.NOTHING_FOUND, 300, "note")), sex="F")
    with_it = replace(told, lesions=(LesionPlan(25.0, History.NEW), LesionPlan(12.0, History.NEW)))
    for name, story in (("without", told), ("with", with_it)):
        write_case(case_from_story(story, seed=77, side_px=SIDE), tmp_path / name)
    one, two = _files(tmp_path / "without"), _files(tmp_path / "with")
    assert one.keys() == two.keys()
    image = next(name for name in one if name.endswith(".dcm"))
    assert [name for name in one if one[name] != two[name]] == [image]
    first, second = (pydicom.dcmread(tmp_path / name / image) for name in ("without", "with"))
    assert len(one[image]) == len(two[image])
    assert [e for e in first if e.keyword != "PixelData"] == [e for e in second if e.keyword != "PixelData"]


def test_the_files_are_a_function_of_everything_but_the_truth(cases, tmp_path: Path) -> None:
    for case in cases[:4]:
        blank = replace(case, truth=Truth((), (), (), ()))
        write_case(case, tmp_path / "told")
        write_case(blank, tmp_path / "blank")
    assert _files(tmp_path / "told") == _files(tmp_path / "blank")


def test_names_and_tags_carry_no_word_of_a_lesion(cases, demo: tuple[Path, ...], tmp_path: Path) -> None:
    folders = [*demo, *(write_case(case, tmp_path) for case in cases)]
    words = re.compile(r"nodul|mass|lesion|tumou?r|normal|truth|stable|resolved|new", re.IGNORECASE)
    for folder in folders:
        image = pydicom.dcmread(folder / "image.dcm", stop_before_pixels=True)
        header = "\n".join(str(element.value) for element in image.iterall())
        facts = (folder / "case.json").read_text()
        assert words.search(header) is None
        assert words.search(facts) is None
        assert all(words.search(path.name) is None for path in (folder, *folder.iterdir()))


def test_notes_are_dated_before_the_study_and_named_by_date(cases, tmp_path: Path) -> None:
    notes = 0
    for case in cases:
        folder = write_case(case, tmp_path)
        for path in folder.glob("*.txt"):
            notes += 1
            assert re.fullmatch(r"\d{4}-\d\d-\d\d_(report|note)(-\d)?\.txt", path.name)
            assert date.fromisoformat(path.name[:10]) < case.studied
            assert f"SIM-{case.number:04d}" in path.read_text()  # reduction has a name to find
    assert notes >= 6


@pytest.mark.parametrize(
    ("says", "expected_sides"),
    [
        (Says.RIGHT, [Laterality.LEFT]),
        (Says.WRONG_SIDE, [Laterality.RIGHT]),
        (Says.NOTHING_FOUND, []),
    ],
)
def test_a_note_says_what_its_plan_asks(says: Says, expected_sides: list[Laterality]) -> None:
    said = mentions(NotePlan(says, 100), (KNOWN,), np.random.default_rng(1))
    assert [mention.side for mention in said] == expected_sides
    assert all(abs(mention.size_mm - 20) <= 3 and mention.zone is Zone.UPPER for mention in said)


def test_no_earlier_note_knows_a_new_lesion() -> None:
    new = (replace(KNOWN[0], history=History.NEW), KNOWN[1])
    assert mentions(NotePlan(Says.RIGHT, 100), (new,), np.random.default_rng(1)) == ()


def test_a_grown_lesion_was_smaller_in_the_note() -> None:
    grown = (replace(KNOWN[0], history=History.GROWN), KNOWN[1])
    (mention,) = mentions(NotePlan(Says.RIGHT, 100), (grown,), np.random.default_rng(1))
    assert mention.size_mm < 16


def test_wording_names_side_size_zone_and_kind_of_each_mention() -> None:
    for seed in range(12):
        told = (Mention(LesionKind.NODULE, 17, Laterality.RIGHT, Zone.LOWER),)
        text = report_text(told, np.random.default_rng(seed), written=date(2024, 2, 3), label="X").lower()
        assert all(word in text for word in ("nodule", "17 mm", "right lower zone"))
        assert "left" not in text


def test_random_stories_have_the_stated_mix() -> None:
    stories = [draw_story(np.random.default_rng(seed)) for seed in range(1500)]
    now = [sum(plan.history is not History.RESOLVED for plan in story.lesions) for story in stories]
    assert 0.26 < np.mean([count == 0 for count in now]) < 0.34
    assert max(now) == 3
    assert all(10 <= plan.diameter_mm <= 40 for story in stories for plan in story.lesions)
    said = {note.says for story in stories for note in story.notes}
    assert said == set(Says)
    assert {len(story.notes) for story in stories} == {0, 1, 2}


def test_the_demo_is_twelve_cases_with_their_truth_elsewhere(demo: tuple[Path, ...]) -> None:
    incoming = demo[0].parent
    truth = json.loads((incoming.with_name("incoming.truth") / "truth.json").read_text())
    assert len(demo) == 12
    assert list(truth) == [folder.name for folder in demo]
    assert not any("truth" in path.name for path in incoming.rglob("*"))
    counts = [len(truth[folder.name]["lesions"]) for folder in demo]
    assert counts == [1, 1, 0, 1, 1, 1, 1, 1, 2, 0, 0, 0]
    assert [len(truth[folder.name]["resolved"]) for folder in demo] == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    assert [len(list(folder.glob("*.txt"))) for folder in demo] == [1, 1, 1, 1, 2, 0, 1, 1, 1, 1, 0, 1]
    assert truth[demo[7].name]["lesions"][0]["kind"] == "mass"


def test_the_demo_notes_stand_in_the_stated_relation_to_the_picture(demo: tuple[Path, ...]) -> None:
    truth = json.loads((demo[0].parent.with_name("incoming.truth") / "truth.json").read_text())

    def told(number: int) -> str:
        return "\n".join(path.read_text().lower() for path in sorted(demo[number - 1].glob("*.txt")))

    def side(number: int, key: str = "lesions") -> str:
        return truth[demo[number - 1].name][key][0]["side"]

    assert f"{side(1)} " in told(1) and "nodule" in told(1)
    assert re.search(r"\d+ mm", told(2)) is None  # new: no mention
    assert f"{side(3, 'resolved')} " in told(3)
    assert f"{side(4)} " not in told(4) and re.search(r"(left|right) \w+ zone", told(4))  # wrong side
    assert re.search(r"no (known|lung)|clear", told(5)) and f"{side(5)} " in told(5)  # two notes disagree
    assert json.loads((demo[6] / "case.json").read_text())["indication"] is None
    assert json.loads((demo[10] / "case.json").read_text())["observations"] == []
    assert "mm nodule" in told(12) or "nodule of" in told(12)


def test_the_intake_takes_the_demo_in_and_finds_the_made_up_identity(demo: tuple[Path, ...], tmp_path: Path) -> None:
    intake = import_path(
        demo[0].parent,
        site=Site.beside(tmp_path / "pilot.duckdb"),
        images=ImageStore(tmp_path / "images"),
        now=lambda: datetime(2026, 1, 2, tzinfo=UTC),
    )
    assert intake.rejected == ()
    assert len(intake.cases) == 12
    for case in intake.cases:
        assert case.image is not None
        assert case.image.simulated
        assert case.image.pixel_spacing_mm == pytest.approx((375 / 512, 375 / 512), abs=1e-5)
        assert case.abstention is None
        assert not any("SIM-" in note.text or "Phantom" in note.text for note in case.notes)
    assert sorted(len(case.notes) for case in intake.cases) == [0, 0, *[1] * 9, 2]


def test_demo_seeds_are_fixed_and_apart_from_the_sets() -> None:
    seeds = {FIRST_SEED + n for n in range(len(demo_stories()))}
    assert min(seeds) == 7001
    assert seeds.isdisjoint({case_seed(seed, index) for seed in range(20) for index in range(100)})


def test_a_case_is_never_written_over_another(tmp_path: Path) -> None:
    case = simulated_case(seed=3, side_px=SIDE)
    write_case(case, tmp_path)
    with pytest.raises(FileExistsError):
        write_case(case, tmp_path)


def test_a_set_has_the_manifest_of_the_development_images(tmp_path: Path) -> None:
    manifest = simulated_set(2, 2, tmp_path)
    with manifest.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert tuple(rows[0]) == COLUMNS
    for index, row in enumerate(rows):
        with Image.open(tmp_path / row["file"]) as picture:
            assert (picture.mode, picture.size) == ("L", (512, 512))
        case = simulated_case(seed=case_seed(2, index))
        boxes = json.loads(row["boxes"]) if row["boxes"] else []
        assert len(boxes) == len(case.truth.lesions)
        for box, lesion in zip(boxes, case.truth.lesions, strict=True):
            assert box["x_min"] == pytest.approx(lesion.box.x_min, abs=1e-5)
        assert re.fullmatch(r"images/sim_\d+\.png", row["file"])


def test_truth_is_written_where_it_is_told(tmp_path: Path, cases) -> None:
    path = write_truth({"case-000040": cases[0]}, tmp_path / "apart")
    assert path == tmp_path / "apart" / "truth.json"
    assert len(json.loads(path.read_text())["case-000040"]["lesions"]) == len(cases[0].truth.lesions)
