"""Paths become cases, or nothing at all."""

from __future__ import annotations

import json
import logging
import warnings
from datetime import UTC, date, datetime

import numpy as np
import pydicom
import pytest

from cases.crosswalk import Purpose, Site
from cases.decode import Decoder
from cases.images import ImageStore
from cases.intake import Intake, import_path
from cases.paths import StorePaths
from cases.study import CaseStatus, InputName, MissingReason

CASE_JSON = json.dumps(
    {
        "indication": "Cough; Mrs Zebrowska smokes",
        "age": 59,
        "sex": "F",
        "labs": {"CRP": 4.2},
        "notes": [{"date": "2019-05-01", "kind": "report", "text": "FINDINGS: Zebrowska, clear lungs on 2019-05-01."}],
        "received": "2020-03-10T09:00:00+00:00",
    }
)


@pytest.fixture(scope="module")
def decoder():
    with Decoder() as process:
        yield process


@pytest.fixture
def take(tmp_path, files, decoder):
    """Import into a store of its own; `take.home` holds all that was written."""
    home = tmp_path / "home"
    home.mkdir()
    paths = StorePaths(home / "p.duckdb")
    site = Site.beside(paths.store)

    def run(path) -> Intake:
        return import_path(path, site=site, images=ImageStore(paths.images), now=lambda: files.NOW, decoder=decoder)

    run.home, run.site, run.images, run.paths = home, site, ImageStore(paths.images), paths
    return run


def inputs(case) -> dict[InputName, MissingReason | None]:
    return {state.name: state.missing_reason for state in case.inputs}


def left_behind(take) -> list[str]:
    return sorted(file.name for file in take.home.rglob("*") if file.is_file() and file.suffix != ".key")


def test_a_full_case(take, tmp_path, files):
    folder = files.case_folder(
        tmp_path / "Zebrowska",
        {
            "Zebrowska_Kazimiera.dcm": files.as_bytes(files.radiograph()),
            "2018-02-03 note.txt": "Seen by Dr. Quackenbush. MRN-777123. A 12 mm nodule.",
            "case.json": CASE_JSON,
        },
    )
    intake = take(folder)
    assert intake.rejected == ()
    (case,) = intake.cases
    days = take.site.shift_days(pydicom_identity(files))
    assert case.status is CaseStatus.REGISTERED
    assert case.received == datetime(2020, 3, 10, 9, tzinfo=UTC)
    assert (case.age_years, case.sex, case.indication) == (59, "F", "Cough; Mrs [name] smokes")
    assert [note.note_id for note in case.notes] == ["note-1", "note-2"]
    moved = date.fromordinal(date(2019, 5, 1).toordinal() + days)
    assert case.notes[0].written == moved
    assert case.notes[0].text == f"FINDINGS: [name], clear lungs on {moved}."
    assert case.notes[1].text == "Seen by Dr. [name]. [number]. A 12 mm nodule."
    assert (case.observations[0].name, case.observations[0].value) == ("CRP", "4.2")
    assert case.image.acquired == date.fromordinal(date(2020, 3, 10).toordinal() + days)
    assert (case.image.pixel_spacing_mm, case.image.view_position) == ((0.2, 0.1), "PA")
    assert inputs(case) == {
        InputName.CURRENT_IMAGE: None,
        InputName.PRIOR_IMAGE: MissingReason.NOT_SENT,
        InputName.PRIOR_NOTES: None,
        InputName.INDICATION: None,
        InputName.STRUCTURED_VALUES: None,
    }
    assert any("reduced, not de-identified" in words for words in case.warnings)
    assert take.images.get(case.image.sha256).shape == (48, 40)


def pydicom_identity(files):
    from cases.identity import identity_of

    return identity_of(files.radiograph())


def test_no_identifier_reaches_case_files_logs_or_names(take, tmp_path, files, caplog, capfd):
    image = files.radiograph(OperatorsName="Quackenbush", PatientAge="12")  # an odd value that pydicom remarks on
    folder = files.case_folder(
        tmp_path / "in", {"a.dcm": files.as_bytes(image), "n.txt": "Zebrowska, MRN-777123", "case.json": CASE_JSON}
    )
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        intake = take(folder)
    said = repr(intake) + caplog.text + "".join(capfd.readouterr()) + "".join(str(remark.message) for remark in remarks)
    written = b"".join(file.read_bytes() + file.name.encode() for file in take.home.rglob("*") if file.is_file())
    for secret in files.SECRETS:
        assert secret not in said
        assert secret.encode() not in written
    identity = take.site.crosswalk.look_up(intake.cases[0].case_id, purpose=Purpose.EXPORT, report=lambda read: None)
    assert identity.patient_id == "MRN-777123"


def test_the_real_radiograph_comes_in_and_says_what_it_lacks(take, files, capfd):
    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        intakes = [take(files.packaged(f"RG1_{name}")) for name in ("UNCR", "J2KR")]
    assert [intake.rejected for intake in intakes] == [()] * 2
    cases = [intake.cases[0] for intake in intakes]
    assert cases[0] == cases[1]  # one picture, so one case
    case = cases[0]
    assert (case.status, case.age_years, case.sex, case.image.pixel_spacing_mm) == (
        CaseStatus.REGISTERED,
        64,
        "F",
        None,
    )
    assert case.warnings == ("PixelSpacing is zero or malformed: no millimetres from it",)
    assert not case.image.simulated
    header = pydicom.dcmread(files.packaged("RG1_UNCR"), stop_before_pixels=True)
    secrets = ("CompressedSamples", "9RG1", "19400305", "26210", str(header.StudyInstanceUID), "Hamburg", "20040826")
    written = b"".join(file.read_bytes() + file.name.encode() for file in take.home.rglob("*") if file.is_file())
    said = repr(intakes) + "".join(capfd.readouterr()) + "".join(str(remark.message) for remark in remarks)
    for secret in secrets:
        assert secret not in said
        assert secret.encode() not in written


def test_importing_twice_gives_the_same_case_and_another_note_gives_another(take, tmp_path, files):
    folder = files.case_folder(tmp_path / "in", {"a.dcm": files.as_bytes(files.radiograph()), "n.txt": "One."})
    first, second = (
        take(folder).cases[0],
        take(
            files.zip_of(tmp_path / "in.zip", {"case/a.dcm": files.as_bytes(files.radiograph()), "case/n.txt": "One."})
        ).cases[0],
    )
    assert first == second
    (folder / "n.txt").write_text("Two.")
    third = take(folder).cases[0]
    assert third.case_id != first.case_id
    assert third.patient_pseudonym == first.patient_pseudonym


SCOPE = [
    ({"ViewPosition": "LL"}, "lateral"),
    ({"PatientBirthDate": "20120101"}, "child"),
    ({"BodyPartExamined": "KNEE"}, "the knee"),
    ({"Modality": "CT"}, "a CT"),
]


@pytest.mark.parametrize(("elements", "reason"), SCOPE)
def test_out_of_scope_comes_in_abstained_without_pixels(take, tmp_path, files, elements, reason):
    (tmp_path / "a.dcm").write_bytes(files.as_bytes(files.radiograph(**elements)))
    (case,) = take(tmp_path / "a.dcm").cases
    assert (case.status, case.image) == (CaseStatus.ABSTAINED, None)
    assert reason in case.abstention
    assert inputs(case)[InputName.CURRENT_IMAGE] is MissingReason.EXCLUDED
    assert left_behind(take) == ["p.duckdb.crosswalk"]


@pytest.mark.parametrize(
    ("name", "reason"), [("RG3_J2KR", "extremity"), ("693_UNCI", "CT"), ("color3d_jpeg_baseline", "ultra")]
)
def test_a_leg_a_ct_and_a_film_abstain(take, files, name, reason):
    (case,) = take(files.packaged(name)).cases
    assert reason in case.abstention


def test_a_child_by_the_case_file_alone(take, tmp_path, files):
    image = files.radiograph(PatientBirthDate=None)
    folder = files.case_folder(tmp_path / "in", {"a.dcm": files.as_bytes(image), "case.json": '{"age": 7}'})
    assert "child" in take(folder).cases[0].abstention


def test_header_and_case_file_that_disagree_are_said_to(take, tmp_path, files):
    folder = files.case_folder(
        tmp_path / "in", {"a.dcm": files.as_bytes(files.radiograph()), "case.json": '{"age": 40, "sex": "M"}'}
    )
    (case,) = take(folder).cases
    assert (case.age_years, case.sex) == (59, "F")
    assert [words for words in case.warnings if "disagree" in words] == [
        "header and case.json disagree on the age",
        "header and case.json disagree on the sex",
    ]


def test_a_bare_image_is_a_normal_case(take, tmp_path, files):
    (tmp_path / "a.dcm").write_bytes(files.as_bytes(files.radiograph()))
    (case,) = take(tmp_path / "a.dcm").cases
    assert case.received == files.NOW
    assert [name for name, reason in inputs(case).items() if reason is MissingReason.NOT_SENT] == [
        InputName.PRIOR_IMAGE,
        InputName.PRIOR_NOTES,
        InputName.INDICATION,
        InputName.STRUCTURED_VALUES,
    ]


OLDER = {"StudyDate": "20180101", "StudyInstanceUID": "1.2.3.4", "SOPInstanceUID": "1.2.3.6"}


def test_of_two_frontal_images_the_newer_is_read_and_the_older_is_its_prior(take, tmp_path, files):
    older = files.radiograph(np.full((8, 8), 9, np.uint16), **OLDER)
    lateral = files.radiograph(
        np.full((6, 6), 9, np.uint16), ViewPosition="LL", SOPInstanceUID="1.2.3.5", StudyTime="09"
    )
    folder = files.case_folder(
        tmp_path / "in",
        {name: files.as_bytes(image) for name, image in (("a", older), ("b.dcm", files.radiograph()), ("c", lateral))},
    )
    (case,) = take(folder).cases
    assert (case.image.rows, case.image.columns) == (48, 40)
    assert (case.prior_image.rows, case.prior_image.columns) == (8, 8)
    assert take.images.get(case.prior_image.sha256).shape == (8, 8)
    assert inputs(case)[InputName.PRIOR_IMAGE] is None
    shift = case.image.acquired - case.prior_image.acquired
    assert shift.days == (date(2020, 3, 10) - date(2018, 1, 1)).days  # one shift for the patient: intervals stay true
    assert case.warnings == (
        "1 more image(s) of this patient were left out, 1 of them out of scope: "
        "one frontal image is read, beside at most one of an earlier study",
    )


NO_PRIORS = [
    ("of the same study", {"StudyDate": "20180101", "SOPInstanceUID": "1.2.3.6"}, MissingReason.NOT_SENT),
    ("of the same day", {**OLDER, "StudyDate": None}, MissingReason.EXCLUDED),  # None: the current image's own day
    ("without a day", {**OLDER, "StudyDate": ""}, MissingReason.EXCLUDED),
    ("burnt-in identity", {**OLDER, "BurnedInAnnotation": "YES"}, MissingReason.UNREADABLE),
    ("a lateral view", {**OLDER, "ViewPosition": "LL"}, MissingReason.NOT_SENT),
]


@pytest.mark.parametrize(("what", "tags", "reason"), NO_PRIORS, ids=[row[0] for row in NO_PRIORS])
def test_an_image_that_is_no_prior_is_left_out_with_its_reason(take, tmp_path, files, what, tags, reason):
    tags = {name: value for name, value in tags.items() if value is not None}
    other = files.radiograph(np.full((8, 8), 9, np.uint16), **tags)
    folder = files.case_folder(
        tmp_path / "in", {"a.dcm": files.as_bytes(other), "b.dcm": files.as_bytes(files.radiograph(StudyTime="23"))}
    )
    (case,) = take(folder).cases
    assert case.prior_image is None
    assert inputs(case)[InputName.PRIOR_IMAGE] is reason
    assert case.image.rows == 48


def test_a_note_that_is_dated_after_the_image_is_said_to_be(take, tmp_path, files):
    folder = files.case_folder(
        tmp_path / "in", {"a.dcm": files.as_bytes(files.radiograph()), "2021-01-01.txt": "Late."}
    )
    assert "1 note(s) are dated after the image" in take(folder).cases[0].warnings


def test_simulated_images_are_marked(take, tmp_path, files):
    (tmp_path / "a.dcm").write_bytes(files.as_bytes(files.radiograph(Modality="DX", SeriesDescription="SIMULATED PA")))
    assert take(tmp_path / "a.dcm").cases[0].image.simulated


def test_a_folder_of_folders_and_a_flat_folder_of_patients(take, tmp_path, files):
    one, two = (files.as_bytes(files.radiograph(PatientID=number, StudyInstanceUID=f"1.2.{number}")) for number in "12")
    nested = take(files.case_folder(tmp_path / "nested", {"a/i.dcm": one, "b/i.dcm": two, "b/n.txt": "Old."}))
    assert [len(case.notes) for case in nested.cases] == [0, 1]
    flat = take(files.case_folder(tmp_path / "flat", {"1.dcm": one, "2.dcm": two, "bad.dcm": b"text"}))
    assert len(flat.cases) == 2
    assert [no.path for no in flat.rejected] == ["bad.dcm"]
    mixed = take(files.case_folder(tmp_path / "mixed", {"1.dcm": one, "2.dcm": two, "n.txt": "Whose?"}))
    assert (mixed.cases, [no.rule for no in mixed.rejected]) == ((), ["several_patients"])


WHOLE = [
    ("text renamed .dcm", {"x.dcm": "FINDINGS: none"}, {"x.dcm": "not_dicom"}),
    ("a note alone", {"n.txt": "Clear."}, {"n.txt": "no_image"}),
    ("nothing", {}, {"in": "no_image"}),
    ("only a manual", {"manual.pdf": b"%PDF"}, {"in": "no_image"}),
    (
        "a note that is not text",
        {"a.dcm": None, "n.txt": b"\xff\x00"},
        {"n.txt": "note_not_text", "a.dcm": "incomplete_case"},
    ),
    (
        "a case.json that is wrong",
        {"a.dcm": None, "case.json": "{"},
        {"case.json": "case_file", "a.dcm": "incomplete_case"},
    ),
    (
        "received in the future",
        {"a.dcm": None, "case.json": '{"received": "2031-01-01T00:00:00Z"}'},
        {"case.json": "case_file", "a.dcm": "incomplete_case"},
    ),
    (
        "a second, broken image",
        {"a.dcm": None, "b.dcm": bytes(200)},
        {"b.dcm": "not_dicom", "a.dcm": "incomplete_case"},
    ),
    (
        "two case files",
        {"a.dcm": None, "case.json": '{"age": 60}', "s/case.json": "{}"},
        {"s/case.json": "case_file", "a.dcm": "incomplete_case"},
    ),
]


@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize(("content", "rules"), [row[1:] for row in WHOLE], ids=[row[0] for row in WHOLE])
def test_a_case_comes_in_whole_or_leaves_nothing(take, tmp_path, files, content, rules, zipped):
    filled = {name: files.as_bytes(files.radiograph()) if data is None else data for name, data in content.items()}
    (tmp_path / "in").mkdir()
    path = files.zip_of(tmp_path / "in.zip", filled) if zipped else files.case_folder(tmp_path / "in", filled)
    intake = take(path)
    wanted = {("in.zip" if zipped and name == "in" else name): rule for name, rule in rules.items()}
    assert intake.cases == ()
    assert {no.path: no.rule for no in intake.rejected} == wanted
    assert left_behind(take) == []
    assert all(": " in no.message for no in intake.rejected)


AWKWARD = [
    ("no rows", {"Rows": 0}, "no_pixels"),
    ("claims 65535 x 65535", {"Rows": 65535, "Columns": 65535}, "too_large"),
    ("more rows than data", {"Rows": 4000}, "truncated"),
    ("burned-in text", {"BurnedInAnnotation": "YES"}, "burned_in_annotation"),
    ("a window of no width", {"WindowWidth": "0"}, "display_values"),
]


@pytest.mark.parametrize(("elements", "rule"), [row[1:] for row in AWKWARD], ids=[row[0] for row in AWKWARD])
def test_an_image_that_cannot_be_used_leaves_nothing(take, tmp_path, files, elements, rule):
    (tmp_path / "a.dcm").write_bytes(files.as_bytes(files.radiograph(**elements)))
    intake = take(tmp_path / "a.dcm")
    assert intake.cases == ()
    assert [(no.path, no.rule) for no in intake.rejected] == [("a.dcm", rule)]
    assert left_behind(take) == []


def test_a_zip_with_names_that_point_outside(take, tmp_path, files):
    path = files.zip_of(tmp_path / "sent.zip", {"a.dcm": files.as_bytes(files.radiograph()), "../evil.txt": "x"})
    intake = take(path)
    assert [(no.path, no.rule) for no in intake.rejected] == [("sent.zip", "unsafe_name")]
    assert left_behind(take) == []
    assert not (tmp_path.parent / "evil.txt").exists()


def test_a_path_that_is_not_there(take, tmp_path):
    assert [(no.path, no.rule) for no in take(tmp_path / "gone").rejected] == [("gone", "not_found")]


def test_a_process_of_its_own_is_started_and_ended(take, tmp_path, files):
    (tmp_path / "a.dcm").write_bytes(files.as_bytes(files.radiograph()))
    own = import_path(tmp_path / "a.dcm", site=take.site, images=take.images, now=lambda: files.NOW)
    assert own == take(tmp_path / "a.dcm")
