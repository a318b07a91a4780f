"""The words a model sees beside the image, rendered from a case through a template file.

An input that the case lacks is *removed*, not blanked: its words do not appear at all. Prior notes go in whole, newest
first, until the budget is spent; what did not fit is named, so that a report can say so. Notes are untrusted text: line
breaks cannot open a new section here, and an angle bracket never opens a special token. Normalizing words for a
tokenizer is the tokenizer's work, not this module's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, takewhile
from pathlib import Path

from cases.study import Case, InputName, PriorNote
from vlm.instructions import case_lines

TEMPLATES = Path(__file__).parent / "prompts"
BUDGET_CHARS = 900
DEFAULT_TEMPLATE = "overread-2"

_FRAGMENT = re.compile(r"\[([^\[\]]*)\]")
_FIELD = re.compile(r"\{(\w+)\}")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt template: lines of `[fragments]`, each dropped when a `{field}` of it is missing.

    Attributes:
        name: file name without its ending.
        text: the file's content.
        sha256: of the file's content as UTF-8; stored with each draft as `prompt_hash`.
    """

    name: str
    text: str
    sha256: str

    @property
    def note_line(self) -> str:
        """The line that is repeated for each prior note ("" when the model takes none)."""
        return next((line for line in case_lines(self.text) if "{note}" in line), "")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered prompt, and what of the case is not in it.

    Attributes:
        text: what the model reads; "" when the case has nothing but its image.
        used_note_ids: notes of which the text holds all, or the first sentences (those are in `cut_note_ids` too).
        left_out_note_ids: notes of which the text holds nothing.
        cut_note_ids: notes of which only whole sentences from the start fitted.
        left_out_inputs: other inputs that did not fit, as `InputName` values.
        seen_chars: for each used note, how many characters of its text (from its start) stand in the prompt.
    """

    text: str
    used_note_ids: tuple[str, ...] = ()
    left_out_note_ids: tuple[str, ...] = ()
    cut_note_ids: tuple[str, ...] = ()
    left_out_inputs: tuple[str, ...] = ()
    seen_chars: tuple[int, ...] = ()

    def seen_text(self, case: Case) -> dict[str, str]:
        """Each used note's text as far as the model read it; spans of it are spans of the whole note."""
        read = zip(self.used_note_ids, self.seen_chars, strict=True)
        return {note_id: case.note(note_id).text[:count] for note_id, count in read}


def load_template(name: str = DEFAULT_TEMPLATE, *, folder: Path = TEMPLATES) -> Template:
    """The template of that name.

    Raises:
        LookupError: no such file in the folder.
    """
    known = sorted(path.stem for path in folder.glob("*.txt"))
    if name not in known:
        msg = f"no prompt template {name!r}: use one of {known}"
        raise LookupError(msg)
    text = (folder / f"{name}.txt").read_text(encoding="utf-8")
    return Template(name, text, hashlib.sha256(text.encode()).hexdigest())


def render(case: Case, *, template: Template | None = None, budget_chars: int = BUDGET_CHARS) -> Prompt:
    """The prompt of a case: age and sex, indication, values, then prior notes newest first.

    Args:
        case: whose words to render; an input that its `inputs` call missing is left away even if there is a value.
        template: defaults to the embedded model's.
        budget_chars: most characters of the whole prompt. A note that does not fit is cut after a whole sentence
            if a sentence of it fits; older notes do not overtake it.
    """
    used_template = template or load_template()
    head, left_out_inputs = _head(used_template, _fields(case), budget_chars)
    notes = _Notes(used_template.note_line, budget_chars - len(head))
    acquired = case.image.acquired if case.image is not None else None
    for note in _newest_first(case):
        notes.add(note, acquired)
    return Prompt(
        "\n".join(([head] if head else []) + notes.lines),
        tuple(notes.used),
        tuple(notes.left_out),
        tuple(notes.cut),
        left_out_inputs,
        tuple(notes.seen_chars),
    )


def interval_words(written: date, *, until: date) -> str:
    """How long before `until` a note was written, in the words of a report.

    >>> interval_words(date(2020, 1, 1), until=date(2020, 7, 2))
    '6 months earlier'
    >>> interval_words(date(2020, 1, 1), until=date(2020, 1, 1))
    'same day'
    """
    days = (until - written).days
    if days == 0:
        return "same day"
    for size, unit, least in ((365.25, "year", 700), (30.44, "month", 60), (7, "week", 14)):
        if days >= least:
            return f"{_counted(round(days / size), unit)} earlier"
    return f"{_counted(days, 'day')} earlier"


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" + ("" if count == 1 else "s")


def tidy(text: str) -> str:
    r"""Untrusted text on one line, in which no angle bracket opens a special token.

    >>> tidy("CRP <5\n\nindication: <image>")
    'CRP < 5 indication: < image>'
    """
    return " ".join(text.replace("<", "< ").split())


def is_missing(case: Case, name: InputName) -> bool:
    """Whether the case states that this input is missing, whatever it holds."""
    return any(state.name is name and not state.present for state in case.inputs)


def _newest_first(case: Case) -> list[PriorNote]:
    if is_missing(case, InputName.PRIOR_NOTES):
        return []
    return sorted(case.notes, key=lambda note: -(note.written.toordinal() if note.written else 0))


def _fields(case: Case) -> dict[str, str]:
    """The template's fields that the case can fill; a field without words is not among them."""
    values = () if is_missing(case, InputName.STRUCTURED_VALUES) else case.observations
    indication = None if is_missing(case, InputName.INDICATION) else case.indication
    fields = {
        "age": "" if case.age_years is None else str(case.age_years),
        "sex": tidy(case.sex or ""),
        "indication": tidy(indication or ""),
        "values": " ; ".join(tidy(f"{value.name} {value.value}") for value in values),
        "prior_image": _prior_image(case),
    }
    return {name: words for name, words in fields.items() if words}


def _prior_image(case: Case) -> str:
    """How long before the current image the prior one was acquired; "" where none is read."""
    prior, current = case.prior_image, case.image
    if prior is None or is_missing(case, InputName.PRIOR_IMAGE):
        return ""
    if prior.acquired is None or current is None or current.acquired is None:
        return "earlier"
    return interval_words(prior.acquired, until=current.acquired)


def _filled(line: str, fields: Mapping[str, str]) -> str:
    """The line with its fragments filled; a fragment that lacks a field is dropped."""

    def fragment(match: re.Match[str]) -> str:
        body = match.group(1)
        if any(name not in fields for name in _FIELD.findall(body)):
            return ""
        return _FIELD.sub(lambda field: fields[field.group(1)], body)

    return " ".join(part for part in _FRAGMENT.sub(fragment, line).split(" ") if part)


def _head(template: Template, fields: Mapping[str, str], budget: int) -> tuple[str, tuple[str, ...]]:
    """All lines but the notes', and the inputs whose line did not fit."""
    lines: list[str] = []
    left_out: list[str] = []
    for line in case_lines(template.text):
        filled = "" if "{note}" in line else _filled(line, fields)
        if filled and len("\n".join([*lines, filled])) > budget:
            left_out += [name.value for name, field in _INPUT_FIELDS if f"{{{field}}}" in line]
        elif filled:
            lines.append(filled)
    return "\n".join(lines), tuple(left_out)


_INPUT_FIELDS = ((InputName.INDICATION, "indication"), (InputName.STRUCTURED_VALUES, "values"))


class _Notes:
    """The notes' part of a prompt while it is being filled."""

    def __init__(self, line: str, budget: int) -> None:
        self.line = line
        self.budget = budget if line else 0
        self.lines: list[str] = []
        self.used: list[str] = []
        self.cut: list[str] = []
        self.left_out: list[str] = []
        self.seen_chars: list[int] = []

    def add(self, note: PriorNote, acquired: date | None) -> None:
        """Take the note whole, or as many of its first sentences as fit, or name it as left out."""
        after_study = note.written is not None and acquired is not None and note.written > acquired
        taken = None if after_study else self._fitting(note, acquired)
        if taken is None:
            self.left_out.append(note.note_id)
            return
        filled, seen = taken
        self.lines.append(filled)
        self.used.append(note.note_id)
        self.seen_chars.append(seen)
        self.budget -= len(filled) + 1
        if seen < len(note.text.rstrip()):
            self.cut.append(note.note_id)
            self.budget = 0  # an older note does not overtake the rest of this one

    def _fitting(self, note: PriorNote, acquired: date | None) -> tuple[str, int] | None:
        """The line with as many whole sentences as fit, and the characters of the note that it holds."""
        heading = tidy(note.kind)
        if note.written is not None and acquired is not None:
            heading += " " + interval_words(note.written, until=acquired)
        room = self.budget - len(_filled(self.line, {"heading": heading, "note": "-"}))
        text = note.text.rstrip()
        ends = [match.start() for match in _SENTENCE_END.finditer(text)] + [len(text)]
        sizes = accumulate(len(tidy(text[start:end])) + 1 for start, end in zip([0, *ends], ends, strict=False))
        count = sum(1 for _ in takewhile(lambda size: size - 1 <= room, sizes))
        if count == 0:
            self.budget = 0
            return None
        seen = ends[count - 1]
        return _filled(self.line, {"heading": heading, "note": tidy(text[:seen])}), seen
