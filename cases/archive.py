"""What a folder, a file or a zip holds: named entries with bounded reading, and which of them make up one case.

Nothing is unpacked to disk. Names in a zip are never used as paths: they only say which file an error is about. A
folder with one study and its notes is one case; a folder of such folders is several.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from cases.faults import ArchiveError, TooLargeError, UnsafeNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_ENTRIES = 20_000
MAX_ENTRY_BYTES = 256 << 20
MAX_TOTAL_BYTES = 4 << 30
MAX_RATIO = 1000  # deflate reaches 1032; radiographs and notes stay under 20
_DICOM_SUFFIXES = frozenset({".dcm", ".dicom", ".ima"})
_MARK_END = 132


class Kind(StrEnum):
    """What an entry is taken for, by its name and its first bytes."""

    DICOM = "dicom"
    NOTE = "note"
    CASE_FILE = "case_file"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that was sent.

    Attributes:
        path: relative to what the user named.
        kind: what it is taken for.
        size: in bytes, as declared.
        read: its content, never more than MAX_ENTRY_BYTES.
    """

    path: PurePosixPath
    kind: Kind
    size: int
    read: Callable[[], bytes]


@contextmanager
def opened(path: Path) -> Iterator[tuple[Entry, ...]]:
    """The entries of a folder, a zip or a single file, readable while this is open.

    Raises:
        CaseError: a zip that is damaged, encrypted, too large, or holds names that point outside it.
        FileNotFoundError: nothing is there.
    """
    if path.is_dir():
        yield tuple(_folder_entries(path))
    elif _is_zip(path):
        with _opened_zip(path) as archive:
            yield tuple(_zip_entries(archive))
    else:
        yield (_file_entry(path, PurePosixPath(path.name), alone=True),)


def _is_zip(path: Path) -> bool:
    if path.suffix.lower() == ".zip":
        return True
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _folder_entries(root: Path) -> Iterator[Entry]:
    files = sorted(file for file in root.rglob("*") if file.is_file() and not _hidden(file.relative_to(root)))
    if len(files) > MAX_ENTRIES:
        msg = f"the folder holds {len(files):,} files, more than {MAX_ENTRIES:,}"
        raise TooLargeError(msg)
    for file in files:
        yield _file_entry(file, PurePosixPath(file.relative_to(root).as_posix()))


def _hidden(relative: PurePosixPath | Path) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in relative.parts) or relative.name in (
        "DICOMDIR",
        "Thumbs.db",
    )


def _file_entry(file: Path, relative: PurePosixPath, *, alone: bool = False) -> Entry:
    size = file.stat().st_size

    def read() -> bytes:
        _refuse_size(file.stat().st_size)
        return file.read_bytes()

    with file.open("rb") as opened_file:
        start = opened_file.read(_MARK_END)
    kind = _kind(relative, start)
    return Entry(relative, Kind.DICOM if alone and kind is Kind.OTHER else kind, size, read)


def _kind(name: PurePosixPath, start: bytes) -> Kind:
    if name.name.lower() == "case.json":
        return Kind.CASE_FILE
    if start[128:132] == b"DICM" or name.suffix.lower() in _DICOM_SUFFIXES:
        return Kind.DICOM
    return Kind.NOTE if name.suffix.lower() == ".txt" else Kind.OTHER


@contextmanager
def _opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        msg = f"the zip file cannot be opened ({type(error).__name__})"
        raise ArchiveError(msg) from error
    with archive:
        yield archive


def _zip_entries(archive: zipfile.ZipFile) -> Iterator[Entry]:
    members = archive.infolist()
    _refuse_names(members)
    _refuse_bombs(members)
    for member in sorted(members, key=lambda member: member.filename):
        name = PurePosixPath(member.filename)
        if member.is_dir() or _hidden(name):
            continue
        yield Entry(name, _kind(name, _member(archive, member, _MARK_END)), member.file_size, _reader(archive, member))


def _reader(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        _refuse_size(member.file_size)
        content = _member(archive, member, member.file_size + 1)
        if len(content) != member.file_size:
            msg = f"a member holds other than the {member.file_size:,} bytes it declares"
            raise ArchiveError(msg)
        return content

    return read


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, at_most: int) -> bytes:
    """The first bytes of a member; inflating stops there, whatever the member holds."""
    try:
        with archive.open(member) as file:
            return file.read(at_most)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        msg = f"a member of the zip file cannot be read ({type(error).__name__})"
        raise ArchiveError(msg) from error


def _refuse_names(members: list[zipfile.ZipInfo]) -> None:
    """Refuse the whole zip when one name points outside it, or is no plain name."""
    for member in members:
        raw = member.orig_filename  # as stored: zipfile itself cuts names at NUL and turns separators
        name = PurePosixPath(raw)
        outside = name.is_absolute() or ".." in name.parts or "\\" in raw or "\x00" in raw or ":" in raw.split("/")[0]
        if outside or stat.S_ISLNK(member.external_attr >> 16):
            msg = "the zip file holds a name that points outside it, a link, or a name with a backslash or drive"
            raise UnsafeNameError(msg)
    if len({member.filename for member in members}) != len(members):
        msg = "the zip file holds one name twice"
        raise UnsafeNameError(msg)


def _refuse_bombs(members: list[zipfile.ZipInfo]) -> None:
    """Refuse the whole zip by what it declares, before anything is inflated."""
    total = sum(member.file_size for member in members)
    if len(members) > MAX_ENTRIES or total > MAX_TOTAL_BYTES:
        msg = f"the zip file declares {len(members):,} files and {total:,} bytes"
        raise TooLargeError(msg)
    for member in members:
        _refuse_size(member.file_size)
        if member.file_size > (1 << 20) and member.file_size > MAX_RATIO * max(member.compress_size, 1):
            msg = f"a member of the zip file swells to more than {MAX_RATIO} times its size"
            raise TooLargeError(msg)
        if member.flag_bits & 1:
            msg = "the zip file is encrypted"
            raise ArchiveError(msg)


def _refuse_size(size: int) -> None:
    if size > MAX_ENTRY_BYTES:
        msg = f"the file has {size:,} bytes, more than {MAX_ENTRY_BYTES:,}"
        raise TooLargeError(msg)


def case_groups(entries: tuple[Entry, ...]) -> tuple[tuple[Entry, ...], ...]:
    """Entries, case by case, in the order of their paths.

    A folder that holds an image or a `case.json` itself is one case with all beneath it. Else each of its folders is
    looked at in turn; if only one of them turns out to be a case, the notes beside it belong to it.
    """
    return _groups(tuple(entry for entry in entries if entry.kind is not Kind.OTHER), depth=0)


def _groups(entries: tuple[Entry, ...], depth: int) -> tuple[tuple[Entry, ...], ...]:
    if not entries:
        return ()
    here = [entry for entry in entries if len(entry.path.parts) == depth + 1]
    if any(entry.kind in (Kind.DICOM, Kind.CASE_FILE) for entry in here):
        return (entries,)
    folders: dict[str, list[Entry]] = {}
    for entry in entries:
        if len(entry.path.parts) > depth + 1:
            folders.setdefault(entry.path.parts[depth], []).append(entry)
    inner = [group for name in sorted(folders) for group in _groups(tuple(folders[name]), depth + 1)]
    with_images = [group for group in inner if _has_image(group)]
    if len(with_images) == 1 and all(_only_notes(group) for group in inner if group is not with_images[0]):
        return (entries,)
    return (*inner, *((tuple(here),) if here else ()))


def _has_image(group: tuple[Entry, ...]) -> bool:
    return any(entry.kind is Kind.DICOM for entry in group)


def _only_notes(group: tuple[Entry, ...]) -> bool:
    return all(entry.kind is Kind.NOTE for entry in group)
