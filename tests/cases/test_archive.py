"""Folders and zips: what belongs together, and what is not opened."""

from __future__ import annotations

import stat
import struct
import zipfile

import pytest

from cases import archive
from cases.archive import Kind, case_groups, opened
from cases.faults import CaseError

DICOM = bytes(128) + b"DICM"


def groups(path) -> list[list[str]]:
    with opened(path) as entries:
        return [[str(entry.path) for entry in group] for group in case_groups(entries)]


LAYOUTS = [
    (["a.dcm"], [["a.dcm"]]),
    (["a.dcm", "2019-01-01.txt", "case.json"], [["2019-01-01.txt", "a.dcm", "case.json"]]),
    (["IM0001"], [["IM0001"]]),  # known by its mark, not by its name
    (["one/a.dcm", "two/b.dcm"], [["one/a.dcm"], ["two/b.dcm"]]),
    (["dicom/a.dcm", "notes/n.txt"], [["dicom/a.dcm", "notes/n.txt"]]),
    (["dicom/a.dcm", "n.txt"], [["dicom/a.dcm", "n.txt"]]),
    (["case.json", "dicom/a.dcm"], [["case.json", "dicom/a.dcm"]]),
    (["pilot/one/a.dcm", "pilot/two/b.dcm"], [["pilot/one/a.dcm"], ["pilot/two/b.dcm"]]),
    (["one/a.dcm", "one/n.txt", "two/b.dcm", "n.txt"], [["one/a.dcm", "one/n.txt"], ["two/b.dcm"], ["n.txt"]]),
    (["n.txt"], [["n.txt"]]),
    ([".hidden/a.dcm", "DICOMDIR", "Thumbs.db", "__MACOSX/a.dcm", "manual.pdf"], []),
]


@pytest.mark.parametrize(("names", "expected"), LAYOUTS, ids=[" ".join(row[0]) for row in LAYOUTS])
def test_what_belongs_together_in_a_folder_and_in_a_zip(tmp_path, files, names, expected):
    content = {name: DICOM if name.endswith((".dcm", "IM0001", "DICOMDIR")) else "text" for name in names}
    assert groups(files.case_folder(tmp_path / "folder", content)) == expected
    assert groups(files.zip_of(tmp_path / "sent.zip", content)) == expected


def test_a_single_file_is_taken_for_an_image_unless_its_name_says_otherwise(tmp_path):
    for name, kind in [("a.dcm", Kind.DICOM), ("scan", Kind.DICOM), ("a.pdf", Kind.DICOM), ("n.txt", Kind.NOTE)]:
        (tmp_path / name).write_bytes(b"x")
        with opened(tmp_path / name) as entries:
            assert [entry.kind for entry in entries] == [kind]


@pytest.mark.parametrize(
    "name",
    ["../evil.dcm", "a/../../evil.dcm", "/etc/evil.dcm", "C:/evil.dcm", "..\\evil.dcm", "a\\b.dcm", "a/.."],
)
def test_a_zip_with_a_name_that_points_outside_is_refused_whole(tmp_path, files, name):
    path = files.zip_of(tmp_path / "sent.zip", {"good.dcm": DICOM, name: b"x"})
    with pytest.raises(CaseError) as caught, opened(path):
        pass
    assert caught.value.rule == "unsafe_name"
    assert "evil" not in str(caught.value)


def test_a_name_with_nul_a_link_and_a_name_twice(tmp_path):
    link = zipfile.ZipInfo("link.dcm")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    for number, add in enumerate(
        (
            lambda sent: sent.writestr(link, "/etc/passwd"),
            lambda sent: (sent.writestr("a.dcm", b"1"), sent.writestr("a.dcm", b"2")),
        )
    ):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w") as sent, pytest.warns(UserWarning) if number else Quiet():
            add(sent)
        with pytest.raises(CaseError) as caught, opened(path):
            pass
        assert caught.value.rule == "unsafe_name"


class Quiet:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False


def test_a_bomb_is_known_by_what_it_declares(tmp_path, files, monkeypatch):
    path = files.zip_of(tmp_path / "bomb.zip", {f"{number}.dcm": bytes(3 << 20) for number in range(3)})
    with pytest.raises(CaseError, match="swells") as caught, opened(path):
        pass
    assert caught.value.rule == "too_large"
    monkeypatch.setattr(archive, "MAX_RATIO", 10_000)
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 5 << 20)
    with pytest.raises(CaseError, match="declares 3 files"), opened(path):
        pass
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 1 << 40)
    monkeypatch.setattr(archive, "MAX_ENTRY_BYTES", 1 << 20)
    with pytest.raises(CaseError, match="more than 1,048,576"), opened(path):
        pass


def test_a_zip_that_lies_about_a_size_is_found_out(tmp_path, files):
    path = files.zip_of(tmp_path / "liar.zip", {"a.dcm": DICOM + bytes(5000)})
    data = path.read_bytes()
    true, small = struct.pack("<I", len(DICOM) + 5000), struct.pack("<I", 200)
    assert data.count(true) == 2  # the local header and the directory
    path.write_bytes(data.replace(true, small))
    with pytest.raises(CaseError) as caught, opened(path) as entries:
        entries[0].read()
    assert caught.value.rule == "archive"


@pytest.mark.parametrize("content", [b"PK\x03\x04 and nothing more", b"", b"not a zip"])
def test_what_is_called_zip_and_is_none(tmp_path, content):
    path = tmp_path / "sent.zip"
    path.write_bytes(content)
    with pytest.raises(CaseError) as caught, opened(path):
        pass
    assert caught.value.rule == "archive"


def test_an_encrypted_zip(tmp_path, files):
    path = files.zip_of(tmp_path / "sent.zip", {"a.dcm": DICOM})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(data)
    with pytest.raises(CaseError, match=r"encrypted|cannot be read") as caught, opened(path):
        pass
    assert caught.value.rule == "archive"


def test_a_sparse_file_of_two_gigabytes_is_not_read(tmp_path):
    path = tmp_path / "huge.dcm"
    with path.open("wb") as file:
        file.write(DICOM)
        file.truncate(2 << 30)
    with opened(path) as entries, pytest.raises(CaseError) as caught:
        entries[0].read()
    assert caught.value.rule == "too_large"


def test_too_many_files(tmp_path, files, monkeypatch):
    monkeypatch.setattr(archive, "MAX_ENTRIES", 2)
    folder = files.case_folder(tmp_path / "f", {f"{number}.txt": "x" for number in range(3)})
    for path in (folder, files.zip_of(tmp_path / "f.zip", {f"{number}.txt": "x" for number in range(3)})):
        with pytest.raises(CaseError) as caught, opened(path):
            pass
        assert caught.value.rule == "too_large"
