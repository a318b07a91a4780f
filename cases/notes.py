"""Prior notes: found, dated and *reduced*: the identifiers that are known are taken out, and no more is claimed.

Reduced is not de-identified: a relative's name or a rare occupation stays. Dates in the text move with the patient's
shift, so that "compared with" still makes sense. What is not plain text is refused.

Not here: what a note says (`grounding.context`), or how it is cited.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from cases.deidentify import shifted
from cases.faults import NotTextError, TooLargeError
from cases.study import PriorNote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cases.identity import Identity

REDUCED = "notes are reduced, not de-identified: known identifiers were taken out, others may remain"
MAX_NOTE_BYTES = 256_000
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "january"),
            ("feb", "february"),
            ("mar", "march"),
            ("apr", "april"),
            ("may",),
            ("jun", "june"),
            ("jul", "july"),
            ("aug", "august"),
            ("sep", "sept", "september"),
            ("oct", "october"),
            ("nov", "november"),
            ("dec", "december"),
        ),
        start=1,
    )
    for name in names
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATES = re.compile(
    r"(?<![\d.])(?:"
    r"(?P<y1>(?:19|20)\d\d)-(?P<m1>\d\d)-(?P<d1>\d\d)"  # 2019-03-12
    r"|(?P<y2>(?:19|20)\d\d)(?P<m2>\d\d)(?P<d2>\d\d)"  # 20190312
    r"|(?P<d3>\d\d?)\.(?P<m3>\d\d?)\.(?P<y3>(?:19|20)\d\d)"  # 12.3.2019
    rf"|(?P<d4>\d\d?)\.? (?P<m4>{_MONTH})\.?,? (?P<y4>(?:19|20)\d\d)"  # 12 March 2019
    rf"|(?P<m5>{_MONTH})\.? (?P<d5>\d\d?),? (?P<y5>(?:19|20)\d\d)"  # March 12, 2019
    r"|(?P<m6>\d\d?)/(?P<d6>\d\d?)/(?P<y6>(?:19|20)?\d\d)"  # 3/12/2019: month or day first, nobody knows
    r")(?!\d)",
    re.IGNORECASE,
)
_LABELLED = r"\b(?:MRN|SSN|DOB|accession(?: (?:no|number))?|patient id)\b\s*[:#.]?\s*[\w/-]*\d[\w/-]*"
_TELEPHONE = r"(?<!\w)(?:\+\d{1,3}[ -]?)?(?:\(\d{2,5}\)|\d{2,5})[ -]\d{3,4}[ -]\d{3,4}(?!\w)"
_PATTERNS = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[address]"),
    (re.compile(r"https?://\S+", re.IGNORECASE), "[address]"),
    (re.compile(r"(?<![\d.])\d+(?:\.\d+){4,}(?![\d.])"), "[number]"),  # UIDs
    (re.compile(_LABELLED, re.IGNORECASE), "[number]"),
    (re.compile(r"(?<![\w.])\d{3}-\d{2}-\d{4}(?!\w)"), "[number]"),  # social security
    (re.compile(_TELEPHONE), "[number]"),
    (re.compile(r"(?<![\w.])\d{7,}(?!\w)"), "[number]"),
    (re.compile(r"\b(Dr|Prof|Mr|Mrs|Ms|Miss)(\.?) +(?:[A-Z][\w'-]+)(?: +[A-Z][\w'-]+)?"), r"\1\2 [name]"),
)
_UMLAUTS = str.maketrans("äöüÄÖÜ", "aouAOU")
_REPORT_WORDS = re.compile(r"^\s*(findings|impression|technique|comparison)\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RawNote:
    """A note as it was sent, identifiers and all; it lives during an import only.

    Attributes:
        text: as read.
        written: the real date, None where neither name nor heading gives one.
        kind: "report" or "note".
    """

    text: str
    written: date | None
    kind: str

    def __repr__(self) -> str:
        return f"RawNote(kind={self.kind!r}, {len(self.text)} characters)"


def note_from_file(name: str, data: bytes) -> RawNote | None:
    """A `.txt` file as a note; None when it holds no text at all.

    Args:
        name: of the file; a date in it dates the note, else one in the first three lines does.
        data: its bytes.

    Raises:
        TooLargeError, NotTextError: it is no note.
    """
    text = decoded_text(data)
    if not text.strip():
        return None
    heading = "\n".join(text.splitlines()[:3])
    written = first_date(re.sub(r"[_\s]+", " ", name)) or first_date(heading)
    report = "report" in name.lower() or bool(_REPORT_WORDS.search(text))
    return RawNote(text, written, "report" if report else "note")


def decoded_text(data: bytes) -> str:
    """Bytes as text: UTF-8, or UTF-16 with its mark; line ends as one newline, no characters that cannot be seen.

    Raises:
        TooLargeError: more bytes than a note has.
        NotTextError: neither encoding, or control characters.
    """
    if len(data) > MAX_NOTE_BYTES:
        msg = f"the note has {len(data):,} bytes, more than {MAX_NOTE_BYTES:,}"
        raise TooLargeError(msg)
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        msg = f"the note is not text in UTF-8 (byte {error.start})"
        raise NotTextError(msg) from error
    return plain_text(text)


def plain_text(text: str) -> str:
    """Text with one kind of line end and without invisible characters, which could hide a name from the search.

    Raises:
        NotTextError: control characters.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    if any(unicodedata.category(letter) == "Cc" and letter not in "\n\t" for letter in text):
        msg = "the note holds control characters, so it is no text"
        raise NotTextError(msg)
    return "".join(letter for letter in unicodedata.normalize("NFC", text) if unicodedata.category(letter) != "Cf")


def first_date(text: str) -> date | None:
    """The first date that can be read in one way only.

    >>> first_date("Report of 12 March 2019"), first_date("3/12/2019")
    (datetime.date(2019, 3, 12), None)
    """
    return next((found for match in _DATES.finditer(text) if (found := _date_of(match)) is not None), None)


def _date_of(match: re.Match[str]) -> date | None:
    parts = {key[0]: value for key, value in match.groupdict().items() if value is not None}
    if match.group("m6") is not None:
        return None
    month = _MONTHS.get(parts["m"].lower()) or int(parts["m"])
    try:
        return date(int(parts["y"]), month, int(parts["d"]))
    except ValueError:
        return None


class Reducer:
    """Takes one patient's known identifiers out of texts, and moves the dates in them.

    Args:
        identities: of every image of the case.
        days: the patient's date shift.
    """

    def __init__(self, identities: Iterable[Identity], *, days: int) -> None:
        self._days = days
        people, words, births = _identifiers(identities)
        self._births = births
        self._known = tuple(
            (pattern, mark)
            for values, mark in ((words, "[number]"), (people, "[name]"))
            if (pattern := _any_of(values)) is not None
        )

    def __call__(self, text: str) -> str:
        """The text without what is known to identify the patient."""
        for pattern, mark in self._known:
            text = pattern.sub(mark, text)
        text = _DATES.sub(self._moved, text)
        for pattern, mark in _PATTERNS:
            text = pattern.sub(mark, text)
        return text

    def _moved(self, match: re.Match[str]) -> str:
        found = _date_of(match)
        if found in self._births:
            return "[birth date]"
        moved = shifted(found, self._days)
        return "[date]" if moved is None else moved.isoformat()


def _identifiers(identities: Iterable[Identity]) -> tuple[set[str], set[str], set[date]]:
    people: set[str] = set()
    words: set[str] = set()
    births: set[date] = set()
    for identity in identities:
        people.update(part for name in identity.people for part in re.split(r"[\^=\s,]+", name) if len(part) > 1)
        words.update(word for word in identity.words if len(word) > 2)
        born = first_date(identity.birth_date)
        births.update(() if born is None else (born,))
    return people, words, births


def _any_of(values: set[str]) -> re.Pattern[str] | None:
    """One pattern for all spellings, longest first; two letters match in their own case only (Ng, Li, but not "li")."""
    spellings = {spelling for value in values for spelling in _spellings(value)}
    if not spellings:
        return None
    ordered = sorted(spellings, key=lambda spelling: (-len(spelling), spelling))
    parts = (re.escape(word) if len(word) < 3 else f"(?i:{re.escape(word)})" for word in ordered)
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)")


def _spellings(value: str) -> set[str]:
    """As written, composed, without accents, and with German umlauts written out."""
    plain = unicodedata.normalize("NFC", value)
    bare = "".join(letter for letter in unicodedata.normalize("NFD", plain) if not unicodedata.combining(letter))
    out = re.sub("[äöüÄÖÜ]", lambda letter: f"{letter[0].translate(_UMLAUTS)}e", plain).replace("ß", "ss")
    short = plain.title() if len(plain) < 3 else plain
    return {plain, bare, out, short}


def prior_notes(raw: Iterable[RawNote], *, reduce: Reducer, days: int) -> tuple[PriorNote, ...]:
    """The notes of a case, reduced, newest first, undated last; their ids say nothing about them."""
    ordered = sorted(raw, key=lambda note: (note.written or date.min, note.text), reverse=True)
    reduced = ((note, reduce(note.text).strip()) for note in ordered)
    return tuple(
        PriorNote(note_id=f"note-{number}", written=shifted(note.written, days), kind=note.kind, text=text)
        for number, (note, text) in enumerate(((note, text) for note, text in reduced if text), start=1)
    )
