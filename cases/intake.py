"""A path becomes cases: a folder, a zip or a file in; cases, and what was refused and why, out.

A case comes in whole or not at all: pixels and crosswalk are written only after every check has passed. Cases that are
out of scope come in too, abstained, so that they are counted.

Not here: the store; the caller registers the cases that come back.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cases.archive import Entry, Kind, case_groups, opened
from cases.assembly import Assembled, assemble
from cases.case_file import CaseFile, read_case_file
from cases.choice import Candidate
from cases.decode import Decoded, Decoder
from cases.faults import (
    CaseError,
    CaseFileError,
    LeftWithCaseError,
    NoImageError,
    NotFoundError,
    PatientsError,
)
from cases.identity import identity_of
from cases.notes import RawNote, note_from_file, plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from cases.crosswalk import Site
    from cases.images import ImageStore
    from cases.study import Case


@dataclass(frozen=True, slots=True)
class Rejection:
    """Something that is not a case.

    Attributes:
        path: of the file, relative to what the user named.
        rule: which rule it breaks (`cases.faults`).
        message: what was found and the way out; it quotes nothing from the file.
    """

    path: str
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Intake:
    """What an import brought."""

    cases: tuple[Case, ...] = ()
    rejected: tuple[Rejection, ...] = ()


def import_path(
    path: Path, *, site: Site, images: ImageStore, now: Callable[[], datetime], decoder: Decoder | None = None
) -> Intake:
    """Take in what lies at a path.

    Args:
        path: a DICOM file, a folder of one case or of many, or a zip of either.
        site: keys and crosswalk of the store.
        images: keeps the pixels of cases in scope.
        now: UTC; the time of receipt where `case.json` gives none.
        decoder: a decoding process that is already open; one of its own is started where there is none.

    Returns:
        The cases, for the caller to register, and the rejections.
    """
    try:
        with nullcontext(decoder) if decoder else Decoder() as process, opened(path) as entries:
            desk = _Desk(process, site, images, now)
            taken = [desk.take(group) for group in case_groups(entries)]
    except CaseError as fault:
        return Intake(rejected=(_rejection(path.name, fault),))
    except OSError as error:
        gone = NotFoundError(f"the path cannot be read ({type(error).__name__})")
        return Intake(rejected=(_rejection(path.name, gone),))
    if not taken:
        return Intake(rejected=(_rejection(path.name, NoImageError("there is no DICOM file")),))
    return Intake(
        tuple(case for part in taken for case in part.cases), tuple(no for part in taken for no in part.rejected)
    )


def _rejection(path: object, fault: CaseError) -> Rejection:
    return Rejection(str(path), fault.rule, str(fault))


@dataclass(slots=True)
class _Sheet:
    """What one group of entries holds, as far as it could be read."""

    case_file: CaseFile = field(default_factory=CaseFile)
    notes: list[RawNote] = field(default_factory=list)
    images: list[tuple[Entry, Candidate]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    words: bool = False  # whether anything but images was sent, which has to belong to one patient

    def patients(self) -> dict[str, list[tuple[Entry, Candidate]]]:
        groups: dict[str, list[tuple[Entry, Candidate]]] = {}
        for entry, image in self.images:
            groups.setdefault(image.identity.patient_key, []).append((entry, image))
        return groups


class _Desk:
    """Takes groups of entries in, one after the other, with one decoding process."""

    def __init__(self, decoder: Decoder, site: Site, images: ImageStore, now: Callable[[], datetime]) -> None:
        self._decoder, self._site, self._images, self._now = decoder, site, images, now

    def take(self, group: tuple[Entry, ...]) -> Intake:
        """One group: a case, several patients' cases where nothing but images was sent, or rejections."""
        sheet = self._read(group)
        patients = sheet.patients()
        loose = len(patients) > 1 and not sheet.words
        if not loose:
            sheet.rejected.extend(_whole_or_not(sheet, group, patients=len(patients)))
            if sheet.rejected:
                return Intake(rejected=tuple(sheet.rejected))
        return self._assembled(sheet, patients)

    def _assembled(self, sheet: _Sheet, patients: dict[str, list[tuple[Entry, Candidate]]]) -> Intake:
        cases: list[Case] = []
        for images in patients.values():
            try:
                cases.append(self._keep(self._case(sheet, images)))
            except CaseError as fault:
                sheet.rejected.append(_rejection(images[0][0].path, fault))
        return Intake(tuple(cases), tuple(sheet.rejected))

    def _case(self, sheet: _Sheet, images: list[tuple[Entry, Candidate]]) -> Assembled:
        received = self._now() if sheet.case_file.received is None else sheet.case_file.received
        return assemble(
            tuple(image for _, image in images),
            case_file=sheet.case_file,
            notes=tuple(sheet.notes),
            site=self._site,
            received=received,
        )

    def _keep(self, assembled: Assembled) -> Case:
        """Write pixels, then crosswalk: from here on the case exists."""
        for pixels in assembled.pixels:
            self._images.put(pixels)
        self._site.crosswalk.keep(assembled.case.case_id, assembled.identity)
        return assembled.case

    def _read(self, group: tuple[Entry, ...]) -> _Sheet:
        sheet = _Sheet()
        for entry in group:
            try:
                self._read_entry(entry, sheet)
            except CaseError as fault:
                sheet.rejected.append(_rejection(entry.path, fault))
        return sheet

    def _read_entry(self, entry: Entry, sheet: _Sheet) -> None:
        if entry.kind is Kind.DICOM:
            sheet.images.append((entry, self._candidate(entry)))
            return
        sheet.words = True
        if entry.kind is Kind.NOTE:
            note = note_from_file(entry.path.name, entry.read())
            sheet.notes.extend(() if note is None else (note,))
        else:
            self._read_case_file(entry, sheet)

    def _read_case_file(self, entry: Entry, sheet: _Sheet) -> None:
        if sheet.case_file != CaseFile():
            msg = "the case has more than one case.json"
            raise CaseFileError(msg)
        sheet.case_file = read_case_file(entry.read())
        if sheet.case_file.received is not None and sheet.case_file.received > self._now():
            msg = "case.json, at received: lies in the future"
            raise CaseFileError(msg)
        sheet.notes.extend(RawNote(plain_text(note.text), note.date, note.kind) for note in sheet.case_file.notes)

    def _candidate(self, entry: Entry) -> Candidate:
        header = self._decoder.header(entry.read())

        def render() -> Decoded:
            self._decoder.header(entry.read())  # the process knows the file it read last, which may be another
            return self._decoder.pixels()

        return Candidate(header, identity_of(header), render)


def _whole_or_not(sheet: _Sheet, group: tuple[Entry, ...], *, patients: int) -> Iterator[Rejection]:
    """Why a group that has to be one case is none, beside the files that were refused themselves."""
    if sheet.rejected and sheet.images:
        yield _rejection(sheet.images[0][0].path, LeftWithCaseError("another file of this case was refused"))
    elif not sheet.rejected and patients > 1:
        yield _rejection(sheet.images[0][0].path, PatientsError(f"the notes lie beside images of {patients} patients"))
    elif not sheet.rejected and patients == 0:
        yield _rejection(group[0].path, NoImageError("there are notes but no DICOM file"))
