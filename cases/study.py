"""A study as the pilot sees it: one rendered frontal image, its notes and values, and what is missing and why.

Not here: how DICOM becomes this (`cases.dicom`), where it is kept (`cases.store`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class InputName(StrEnum):
    """The inputs of a draft, each of which is present, or missing with a reason."""

    CURRENT_IMAGE = "current_image"
    PRIOR_IMAGE = "prior_image"
    PRIOR_NOTES = "prior_notes"
    INDICATION = "indication"
    STRUCTURED_VALUES = "structured_values"


class MissingReason(StrEnum):
    """Why an input is not there."""

    NOT_SENT = "not_sent"
    NOT_ACQUIRED = "not_acquired"
    EXCLUDED = "excluded"
    UNREADABLE = "unreadable"


class CaseStatus(StrEnum):
    """FHIR `DiagnosticReport.status`, as far as the pilot uses it, and *abstained* for a case out of scope."""

    REGISTERED = "registered"
    PRELIMINARY = "preliminary"
    FINAL = "final"
    AMENDED = "amended"
    ENTERED_IN_ERROR = "entered-in-error"
    ABSTAINED = "abstained"


@dataclass(frozen=True, slots=True)
class InputState:
    """One input: present, or missing with a reason; never both, never neither."""

    name: InputName
    present: bool
    missing_reason: MissingReason | None = None

    def __post_init__(self) -> None:
        """Refuse a missing input without a reason, and a reason for a present one."""
        if self.present == (self.missing_reason is not None):
            msg = f"an input is present, or missing with a reason: {self}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Image:
    """A rendered frontal radiograph: modality LUT, VOI LUT and presentation were applied once, in that order.

    Attributes:
        sha256: of the rendered pixels (little-endian uint16, row major); the name under which they are kept.
        rows, columns: of the rendered pixels.
        pixel_spacing_mm: (between rows, between columns), None where absent or zero.
        spacing_source: the DICOM keyword the spacing came from, None with it.
        view_position: PA or AP, None where the header does not say.
        acquired: shifted date of the study, None where unknown.
        simulated: True for images that the project rendered itself.
    """

    sha256: str
    rows: int
    columns: int
    modality: str
    view_position: str | None
    pixel_spacing_mm: tuple[float, float] | None
    spacing_source: str | None
    acquired: date | None
    simulated: bool

    def __post_init__(self) -> None:
        """Refuse an image without pixels or with a spacing that measures nothing."""
        if self.rows < 1 or self.columns < 1:
            msg = f"an image has at least one pixel on each axis: {self.rows} rows, {self.columns} columns"
            raise ValueError(msg)
        if self.pixel_spacing_mm is not None and min(self.pixel_spacing_mm) <= 0:
            msg = f"a spacing of zero measures nothing: use None, not {self.pixel_spacing_mm}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class PriorNote:
    """An earlier report or clinical note; its text is untrusted and *reduced, not de-identified*.

    Attributes:
        note_id: unique within the case.
        written: shifted date, None where unknown.
        kind: "report" or "note".
        text: with known identifiers removed.
    """

    note_id: str
    written: date | None
    kind: str
    text: str

    def __post_init__(self) -> None:
        """Refuse a note without text: an empty note is a missing note."""
        if not self.text.strip():
            msg = f"an empty note is a missing note: {self.note_id}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Observation:
    """A structured value: a laboratory result, smoking history, prior cancer.

    Attributes:
        name: what was observed, for example "smoking" or "CRP".
        value: as text, with its unit where it has one.
        observed: shifted date, None where unknown.
    """

    name: str
    value: str
    observed: date | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A study with everything a draft may use; identifiers were replaced on the way in.

    Attributes:
        case_id: our own opaque name; derives from no identifier that could be read back.
        patient_pseudonym: keyed pseudonym, the same for all studies of a patient.
        received: when the study arrived, UTC.
        status: where the case stands when it came in (registered or abstained).
        abstention: why no draft is made, None for a case in scope.
        image: the current frontal image, None when the case is out of scope before rendering.
        notes: newest first; undated last.
        inputs: one state for each `InputName`.
        warnings: what the reader should know of the import, in words.
        prior_image: an earlier frontal image of the patient, None where none came in that can be read.
    """

    case_id: str
    patient_pseudonym: str
    received: datetime
    status: CaseStatus
    image: Image | None
    notes: tuple[PriorNote, ...] = ()
    indication: str | None = None
    age_years: int | None = None
    sex: str | None = None
    observations: tuple[Observation, ...] = ()
    inputs: tuple[InputState, ...] = ()
    abstention: str | None = None
    site: str | None = None
    scanner: str | None = None
    warnings: tuple[str, ...] = ()
    prior_image: Image | None = None

    def __post_init__(self) -> None:
        """Refuse naive times, a case in scope without an image, a prior that is none, and two notes of one name."""
        if self.received.tzinfo is None:
            msg = f"times are timezone-aware UTC: received={self.received.isoformat()}"
            raise ValueError(msg)
        if self.image is None and self.abstention is None:
            msg = f"a case without an image is abstained, with a reason: {self.case_id}"
            raise ValueError(msg)
        if self.prior_image is not None and not _earlier(self.prior_image, self.image):
            msg = f"a prior image was acquired before the current one: case {self.case_id} has another for its prior"
            raise ValueError(msg)
        names = [note.note_id for note in self.notes]
        if len(set(names)) != len(names):
            msg = f"note ids are unique within a case: {names}"
            raise ValueError(msg)

    def note(self, note_id: str) -> PriorNote:
        """The note of that id; LookupError when the case has none."""
        for note in self.notes:
            if note.note_id == note_id:
                return note
        msg = f"case {self.case_id} has no note {note_id!r}; it has {[n.note_id for n in self.notes]}"
        raise LookupError(msg)


def _earlier(prior: Image, current: Image | None) -> bool:
    """Whether the one is known to have been acquired before the other; an unknown day proves nothing."""
    days = (prior.acquired, None if current is None else current.acquired)
    return days[0] is not None and days[1] is not None and days[0] < days[1]
