from datetime import date

import numpy as np
import pytest
from PIL import Image

from evals.manifest import ManifestError, read_manifest

HEADER = "file,split,patient,view,age,sex,labels_text_mined,labels_adjudicated,boxes\n"


@pytest.fixture
def folder(tmp_path):
    def written(rows: str, *, header: str = HEADER, notes: str | None = None):
        (tmp_path / "manifest.csv").write_text(header + rows, encoding="utf-8")
        if notes is not None:
            (tmp_path / "notes.csv").write_text(notes, encoding="utf-8")
        return tmp_path

    return written


def test_a_row_is_read_whole(folder):
    boxes = '"[{""label"": ""Nodule"", ""x_min"": 0.1, ""y_min"": 0.2, ""x_max"": 0.3, ""y_max"": 0.4}]"'
    (row,) = read_manifest(folder(f"a.png,dev,p1,PA,57,M,Mass|Effusion,,{boxes}\n"))
    assert (row.patient, row.split, row.view, row.age_years, row.sex) == ("p1", "dev", "PA", 57, "M")
    assert row.labels == ("Mass", "Effusion")
    assert row.boxes[0].label == "Nodule"
    assert row.boxes[0].box.center == (0.2, 0.3)
    assert not row.normal


@pytest.mark.parametrize(
    ("row", "normal"),
    [
        ("a,dev,p,PA,50,M,No Finding,,\n", True),
        ("a,dev,p,PA,50,M,,No Finding,\n", True),  # adjudicated only (simulated sets)
        ("a,dev,p,PA,50,M,No Finding,Nodule or mass=YES,\n", False),  # adjudication found something
        ("a,dev,p,PA,50,M,No Finding|Mass,,\n", False),  # contradictory
        ("a,dev,p,PA,50,M,,,\n", False),  # nobody said
    ],
)
def test_what_counts_as_normal(folder, row, normal):
    assert read_manifest(folder(row))[0].normal is normal


def test_only_file_and_patient_are_needed(folder):
    (row,) = read_manifest(folder("a.png,p1\n", header="file,patient\n"))
    assert (row.age_years, row.view, row.labels, row.boxes) == (None, None, (), ())


def test_split_is_chosen(folder):
    where = folder("a,train,p,,,,,,\nb,dev,p,,,,,,\n")
    assert [row.path.name for row in read_manifest(where, split="dev")] == ["b"]


@pytest.mark.parametrize(
    ("rows", "header", "says"),
    [
        ("../a.png,dev,p,,,,,,\n", HEADER, "line 2: `file` must stay inside"),  # out of the folder
        ("/etc/a.png,dev,p,,,,,,\n", HEADER, "line 2: `file` must stay inside"),  # absolute
        (",dev,p,,,,,,\n", HEADER, "line 2: `file` must stay inside"),  # none
        ("a,dev,p,,,,,,{}x\n", HEADER, "`boxes` is not a JSON list"),  # not JSON
        ('a,dev,p,,,,,,"[{""label"": ""x""}]"\n', HEADER, "`boxes` is not a JSON list"),  # no corners
        ("a\n", "file\n", "columns patient are missing"),
    ],
)
def test_awkward_manifests(folder, rows, header, says):
    with pytest.raises(ManifestError, match=says):
        read_manifest(folder(rows, header=header))


def test_no_manifest_names_the_way_out(tmp_path):
    with pytest.raises(ManifestError, match="--cases DIR"):
        read_manifest(tmp_path)


def test_notes_go_to_their_image_newest_first(folder):
    notes = (
        "file,note_id,date,kind,text\n"
        "a,n1,2020-01-31,report,Old.\na,n2,,note,Undated.\na,n3,2021-01-31,report,Newer.\nb,n9,,note,Other.\n"
    )
    (row,) = read_manifest(folder("a,dev,p,,,,,,\n", notes=notes))
    assert [note.note_id for note in row.notes] == ["n3", "n1", "n2"]
    assert row.notes[1].written == date(2020, 1, 31)


@pytest.mark.parametrize("line", ["a,n1,31.1.2020,report,Text.", "a,n1,,report,"])  # another date format; no text
def test_awkward_notes(folder, line):
    where = folder("a,dev,p,,,,,,\n", notes=f"file,note_id,date,kind,text\n{line}\n")
    with pytest.raises(ManifestError, match=r"notes.csv line 2"):
        read_manifest(where)


def test_errors_never_name_the_patient(folder):
    with pytest.raises(ManifestError) as caught:
        read_manifest(folder("../a,dev,SECRET-PATIENT,,,,,,\n"))
    assert "SECRET" not in str(caught.value)


def test_pixels_fill_the_range(folder, tmp_path):
    where = folder("a.png,dev,p,,,,,,\n")
    Image.fromarray(np.array([[0, 128, 255]], dtype=np.uint8)).save(tmp_path / "a.png")
    assert read_manifest(where)[0].pixels().tolist() == [[0, 128 * 257, 65535]]


@pytest.mark.nih
def test_the_development_set_is_what_its_readme_says(nih):
    rows = read_manifest(nih)
    assert len(rows) == 1463
    assert len({row.patient for row in rows}) == 1171
    assert sum(bool(row.boxes) for row in rows) == 28
    assert sum(row.split == "dev" for row in rows) == 184
