"""Notes cut into sentences and sections, with character offsets, so that what is quoted can be quoted verbatim.

Made for radiology reports: headings ("FINDINGS:"), lists without full stops, hard-wrapped lines, decimals, and
abbreviations before a stop. It never changes a character; white space between sentences belongs to none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class NoteSection(StrEnum):
    """What kind of statement a heading announces."""

    BODY = "body"
    HISTORY = "history"
    FAMILY = "family"
    QUESTION = "question"
    COMPARISON = "comparison"


HEADINGS: Final = {
    "findings": NoteSection.BODY,
    "finding": NoteSection.BODY,
    "impression": NoteSection.BODY,
    "conclusion": NoteSection.BODY,
    "report": NoteSection.BODY,
    "assessment": NoteSection.BODY,
    "recommendation": NoteSection.BODY,
    "technique": NoteSection.BODY,
    "history": NoteSection.HISTORY,
    "past history": NoteSection.HISTORY,
    "medical history": NoteSection.HISTORY,
    "past medical history": NoteSection.HISTORY,
    "clinical history": NoteSection.HISTORY,
    "family history": NoteSection.FAMILY,
    "indication": NoteSection.QUESTION,
    "clinical indication": NoteSection.QUESTION,
    "clinical question": NoteSection.QUESTION,
    "reason for exam": NoteSection.QUESTION,
    "reason for examination": NoteSection.QUESTION,
    "comparison": NoteSection.COMPARISON,
}
_HEADING: Final = re.compile(r"(?:(?<=\n)|\A)[ \t]*([A-Za-z][A-Za-z ]{2,30}):", re.ASCII)
_STOP: Final = re.compile(r"[.!?](?=[\s)\"']|\Z)|\n")
_ABBREVIATED: Final = re.compile(
    r"(?:\b(?:dr|mr|mrs|ms|prof|st|vs|approx|ca|fig|no|pt|e\.g|i\.e|hx|yrs?)|(?:\A|\n)\s*[0-9]{1,2})\Z", re.IGNORECASE
)
_WRAPPED: Final = re.compile(r"(?:,|\b(?:no|not|of|the|a|an|and|or|with|without|in|on|at|to|for|from|since|by))\s*\Z")
_MARK: Final = re.compile(r"\s*(?:[-*\u2022]|[0-9]{1,2}[.)])(?=\s)")
LONGEST: Final = 600  # characters; what runs on for longer is cut at white space, so that no note takes long to read
LOOK_BACK: Final = 24  # characters that an abbreviation or a wrapped word can take


@dataclass(frozen=True, slots=True)
class Span:
    """A sentence: `text[start:end]`, under the heading it stands below."""

    start: int
    end: int
    section: NoteSection = NoteSection.BODY


def spans(text: str) -> tuple[Span, ...]:
    """The sentences of a text, in order, without the white space and list marks around them.

    >>> text = "FINDINGS: No effusion. Nodule, 1.5 cm."
    >>> [text[span.start : span.end] for span in spans(text)]
    ['No effusion.', 'Nodule, 1.5 cm.']
    """
    found: list[Span] = []
    section, start = NoteSection.BODY, 0
    for heading in _HEADING.finditer(text):
        known = HEADINGS.get(" ".join(heading[1].lower().split()))
        if known is not None:
            found.extend(_sentences(text, start, heading.start(), section))
            section, start = known, heading.end()
    found.extend(_sentences(text, start, len(text), section))
    return tuple(found)


def _sentences(text: str, start: int, end: int, section: NoteSection) -> list[Span]:
    found: list[Span] = []
    for stop in _STOP.finditer(text, start, end):
        if _ends(text, stop, start):
            found.extend(_trimmed(text, start, stop.end(), section))
            start = stop.end()
    found.extend(_trimmed(text, start, end, section))
    return found


def _ends(text: str, stop: re.Match[str], start: int) -> bool:
    before = text[max(start, stop.start() - LOOK_BACK) : stop.start()]
    if stop[0] == "\n":
        return _new_line_ends(text, stop.end(), before)
    if stop[0] == ".":
        return not (_ABBREVIATED.search(before) and _goes_on(text, stop.end(), before))
    return any(character.isalnum() for character in before)


def _goes_on(text: str, position: int, before: str) -> bool:
    """Whether a stop after an abbreviation is part of it: "no." ends a sentence when nothing follows."""
    rest = text[position : position + LOOK_BACK].strip()
    return bool(rest) and (rest[0].islower() or rest[0].isdigit() or not before.lower().endswith(("no", "pt", "st")))


def _new_line_ends(text: str, position: int, before: str) -> bool:
    rest = text[position : position + LOOK_BACK]
    if rest[:1].isspace() and "\n" in rest[: len(rest) - len(rest.lstrip()) + 1]:
        return True
    if _MARK.match(rest):
        return True
    return rest.lstrip()[:1].isupper() and not _WRAPPED.search(before)


def _trimmed(text: str, start: int, end: int, section: NoteSection) -> list[Span]:
    mark = _MARK.match(text, start, end)
    start = mark.end() if mark else start
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    right = start + len(piece.rstrip())
    if not any(character.isalnum() for character in text[left:right]):
        return []
    return list(_cut(text, left, right, section))


def _cut(text: str, start: int, end: int, section: NoteSection) -> Iterator[Span]:
    while end - start > LONGEST:
        gap = text.rfind(" ", start + 1, start + LONGEST)
        middle = gap if gap > 0 else start + LONGEST
        yield Span(start, middle, section)
        start = middle + (text[middle] == " ")
    yield Span(start, end, section)
