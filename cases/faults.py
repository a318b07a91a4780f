"""What can be wrong with something that was sent as a case: one closed tree, each with its rule and its way out.

A fault's text is built from numbers and closed vocabularies only. It never repeats a header value, a note or a path:
those can name a patient. Which file it was is said by `cases.intake.Rejection.path`, relative to what the user named.
"""

from __future__ import annotations

from typing import ClassVar


class CaseError(ValueError):
    """Something sent is not a case.

    Attributes:
        rule: short name of the rule that was broken, stable, for programs.
        way_out: what the sender can do.

    Args:
        found: what was found, in numbers or closed words.
    """

    rule: ClassVar[str] = "not_a_case"
    way_out: ClassVar[str] = "send one DICOM study with its notes"

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(f"{found}: {self.way_out}")


class FileError(CaseError):
    """The file itself cannot be used, whatever it shows."""


class NotFoundError(FileError):
    """Nothing is there, or it may not be read."""

    rule = "not_found"
    way_out = "check the path and that you may read it"


class TooLargeError(FileError):
    """More bytes, entries or pixels than a radiograph has."""

    rule = "too_large"
    way_out = "send single radiographs; a larger file was not opened"


class NotDicomError(FileError):
    """No DICOM file."""

    rule = "not_dicom"
    way_out = "export the study from the archive as DICOM files (PS3.10); renaming a file does not make it one"


class TruncatedError(FileError):
    """The file ends before its content does."""

    rule = "truncated"
    way_out = "copy the file again from its source, it was cut off on the way"


class TransferSyntaxError(FileError):
    """Pixels are encoded in a way that is not read here."""

    rule = "transfer_syntax"
    way_out = (
        "export the study uncompressed, or as RLE, JPEG, JPEG lossless, JPEG-LS or JPEG 2000;"
        " deflated and video syntaxes are not read"
    )


class NoPixelsError(FileError):
    """There is no image in the file."""

    rule = "no_pixels"
    way_out = "send the image object of the study, with Rows, Columns and pixel data"


class PixelFormatError(FileError):
    """Pixels of a kind that no plain radiograph has."""

    rule = "pixel_format"
    way_out = "send one frame of grey values, 8 or 16 bits a pixel, as the detector made it"


class DamagedPixelsError(FileError):
    """The decoder does not accept the pixel data."""

    rule = "damaged_pixels"
    way_out = "copy the file again from its source, or export it uncompressed"


class WindowError(FileError):
    """The file's own display values cannot be applied."""

    rule = "display_values"
    way_out = "export the image again with a valid modality and VOI LUT or window"


class UnreadableError(FileError):
    """The header cannot be read."""

    rule = "unreadable"
    way_out = "copy the file again from its source; a DICOM validator says where the header breaks"


class DeadlineError(FileError):
    """Reading took longer than any radiograph takes."""

    rule = "deadline"
    way_out = "the file is damaged or hostile; export it uncompressed and send it again"


class MemoryLimitError(FileError):
    """Reading wanted more memory than any radiograph needs."""

    rule = "memory"
    way_out = "the file is damaged or hostile; export it uncompressed and send it again"


class DecoderCrashError(FileError):
    """The decoding process ended without an answer."""

    rule = "decoder_crash"
    way_out = "the file is damaged or hostile; export it uncompressed and send it again"


class BurnedInError(FileError):
    """The pixels themselves may name the patient."""

    rule = "burned_in_annotation"
    way_out = "send the image without burned-in text; pixels are not cleaned here"


class NotTextError(FileError):
    """A note that is not text."""

    rule = "note_not_text"
    way_out = "save the note as plain text in UTF-8, or leave it out of the folder"


class CaseFileError(FileError):
    """A case.json that does not follow its form."""

    rule = "case_file"
    way_out = "correct case.json; docs/import.md shows its form"


class ArchiveError(FileError):
    """A zip file that cannot be opened safely."""

    rule = "archive"
    way_out = "zip the case folder again without encryption"


class UnsafeNameError(ArchiveError):
    """A name in a zip that points outside it."""

    rule = "unsafe_name"
    way_out = "zip the case folder itself, so that names are relative and stay inside it"


class GroupingError(CaseError):
    """The files do not make up one case."""


class NoImageError(GroupingError):
    """No image to read."""

    rule = "no_image"
    way_out = "put the DICOM file of the study beside its notes"


class PatientsError(GroupingError):
    """One case holds files of more than one patient."""

    rule = "several_patients"
    way_out = "give each patient's study and notes a folder of their own"


class LeftWithCaseError(GroupingError):
    """A file of the case was refused, so the case was."""

    rule = "incomplete_case"
    way_out = "a case comes in whole or not at all: mend or remove the file that is named beside this one"


def fault_named(rule: str, found: str) -> CaseError:
    """The fault of that rule, as another process told it.

    >>> fault_named("truncated", "the file holds 10 of 20 bytes of pixels").rule
    'truncated'
    """
    kinds = {kind.rule: kind for kind in _kinds(CaseError)}
    return kinds.get(rule, UnreadableError)(found)


def _kinds(root: type[CaseError]) -> tuple[type[CaseError], ...]:
    return (root, *(kind for child in root.__subclasses__() for kind in _kinds(child)))
