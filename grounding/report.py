"""A grounded report: sentences that carry their boxes, their citations and what was derived from their words."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from grounding.box import Box


class Section(StrEnum):
    """The report section a sentence belongs to."""

    HISTORY = "history"  # what is known of the past, the family's too; no finding of this study
    FINDINGS = "findings"
    IMPRESSION = "impression"


class Polarity(StrEnum):
    """Whether the sentence says that its finding is there."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"


class Laterality(StrEnum):
    """The patient's side, not the viewer's: image left is patient right on a frontal radiograph."""

    LEFT = "left"
    RIGHT = "right"
    BILATERAL = "bilateral"
    MIDLINE = "midline"
    NOT_STATED = "not_stated"


class Progression(StrEnum):
    """Change since the prior, as the sentence states it."""

    NEW = "new"
    WORSE = "worse"
    STABLE = "stable"
    IMPROVED = "improved"
    RESOLVED = "resolved"
    NOT_COMPARABLE = "not_comparable"
    NOT_STATED = "not_stated"


@dataclass(frozen=True, slots=True)
class Citation:
    """A verbatim span of a prior note: `quote == text[start:end]` of that note (characters, half open)."""

    note_id: str
    start: int
    end: int
    quote: str

    def __post_init__(self) -> None:
        """Refuse an empty or reversed span, and a quote of another length."""
        if not (0 <= self.start < self.end and len(self.quote) == self.end - self.start):
            msg = f"a citation spans text[start:end] and quotes it whole: {self}"
            raise ValueError(msg)

    def stands_in(self, text: str) -> bool:
        """Whether the quote is what the note says at that span.

        >>> Citation("n1", 0, 6, "Nodule").stands_in("Nodule seen.")
        True
        """
        return text[self.start : self.end] == self.quote


@dataclass(frozen=True, slots=True)
class GroundedSentence:
    """One statement of a report.

    Attributes:
        text: the sentence as the author wrote it.
        section: where it stands.
        finding: the finding's code in our vocabulary (`grounding.findings`), None when no finding is named.
        polarity, laterality, progression, location: what the words say; `derived` names those a rule filled in.
        groundable: whether this kind of statement can be shown by a box at all.
        boxes: in the original frame; empty when the author gave none.
        citations: spans of prior notes the sentence leans on; empty when none.
        derived: names of the fields above that were derived from `text` by rule, not written by the author.
    """

    text: str
    section: Section = Section.FINDINGS
    finding: str | None = None
    polarity: Polarity = Polarity.PRESENT
    laterality: Laterality = Laterality.NOT_STATED
    location: str | None = None
    progression: Progression = Progression.NOT_STATED
    groundable: bool = False
    boxes: tuple[Box, ...] = ()
    citations: tuple[Citation, ...] = ()
    derived: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a sentence without words, and boxes on a statement that cannot have any."""
        if not self.text.strip():
            msg = f"a sentence has words: {self}"
            raise ValueError(msg)
        if self.boxes and self.polarity is Polarity.ABSENT:
            msg = f"what is absent has no box: {self}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class GroundedReport:
    """The sentences of a draft or of a signed report, in order, with what it could not take into account.

    Attributes:
        sentences: at least one: "nothing found" is a sentence, "nothing understood" is a failed draft.
        limitations: inputs that were missing or unused, each in words.
    """

    sentences: tuple[GroundedSentence, ...]
    limitations: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse an empty report."""
        if not self.sentences:
            msg = "an empty report is a failed draft, not a report: keep the raw text and mark it failed"
            raise ValueError(msg)

    @property
    def boxes(self) -> tuple[Box, ...]:
        """All boxes, in the order of the sentences."""
        return tuple(box for sentence in self.sentences for box in sentence.boxes)
