"""What a sentence says of each finding it names: there or not, sure or not, now or earlier, where, and what changed.

A small ConText engine over the word lists of `grounding.lexicon`, for prior notes and for the draft's own sentences
alike. It reads words, not images, and knows nothing beyond one sentence and the heading above it. It is a rule
engine: what it cannot tell stays *not stated*.

Source: Harkema et al., "ConText", J Biomed Inform 42 (2009) 839; Chapman et al., "NegEx", J Biomed Inform 34 (2001).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from grounding.findings import Finding, vocabulary
from grounding.lexicon import Kind
from grounding.measurement import sizes_mm
from grounding.modifiers import Values, assigned, loose
from grounding.parse import Cue, Parsed, parse
from grounding.report import Laterality, Polarity, Progression
from grounding.scope import governs, nearest
from grounding.sentences import NoteSection, spans
from grounding.words import word_set

NOW: Final = word_set("is are measures measure measuring now currently today")  # a finding is spoken of as it is


@dataclass(frozen=True, slots=True)
class Mention:
    """A finding that a sentence names.

    Attributes:
        start, end: of its words in the sentence, characters.
        historical: the sentence speaks of the past ("history of"), not of this study.
        family: it speaks of a relative.
        laterality, locations, progression: as far as the sentence ties them to this finding.
    """

    finding: Finding
    start: int
    end: int
    polarity: Polarity
    historical: bool
    family: bool
    laterality: Laterality
    locations: tuple[str, ...]
    progression: Progression

    @property
    def groundable(self) -> bool:
        """Whether a box on the current image could show it."""
        here = self.polarity is not Polarity.ABSENT and not self.historical and not self.family
        return here and vocabulary()[self.finding].groundable


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence as read.

    Attributes:
        mentions: in the order of the text.
        laterality, locations, progression: of the sentence as a whole, also where it names no finding.
        compares: whether it speaks of an earlier study or of a change.
        historical: whether it speaks of the past only.
        sizes_mm: lengths it states.
    """

    text: str
    mentions: tuple[Mention, ...]
    laterality: Laterality
    locations: tuple[str, ...]
    progression: Progression
    compares: bool
    historical: bool
    sizes_mm: tuple[float, ...]

    @property
    def primary(self) -> Mention | None:
        """The finding that the sentence is about: what can be shown before what cannot, present before absent."""
        return min(self.mentions, key=_rank, default=None)


@dataclass(frozen=True, slots=True)
class NoteSentence:
    """A sentence of a note: `note[start:end]`, its heading and its reading."""

    start: int
    end: int
    section: NoteSection
    reading: Reading


def read(text: str, *, section: NoteSection = NoteSection.BODY) -> Reading:
    """What one sentence says.

    Args:
        text: one sentence; a longer text is read as if it were one.
        section: the heading it stands under: what stands under HISTORY is history, under QUESTION a question.

    >>> mention = read("No change in the left lower lobe nodule.").primary
    >>> mention.polarity.value, mention.progression.value, mention.laterality.value, mention.locations
    ('present', 'stable', 'left', ('lower lobe',))
    """
    parsed = parse(text)
    owned = zip(parsed.mentions, assigned(parsed), strict=True)
    mentions = tuple(_mention(parsed, target, values, section) for target, values in owned)
    values = loose(parsed)
    return Reading(
        text,
        mentions,
        laterality=_side(values[Kind.SIDE]),
        locations=_places(values[Kind.PLACE]),
        progression=_of_sentence(mentions, values[Kind.CHANGE]),
        compares=_compares(parsed),
        historical=_is_history(parsed, mentions, section),
        sizes_mm=sizes_mm(text),
    )


def read_note(text: str) -> tuple[NoteSentence, ...]:
    """Every sentence of a note, in order, with its offsets and its reading."""
    return tuple(
        NoteSentence(span.start, span.end, span.section, read(text[span.start : span.end], section=span.section))
        for span in spans(text)
    )


def _mention(parsed: Parsed, target: Cue, values: Values, section: NoteSection) -> Mention:
    cue = nearest(parsed, target)
    change = _change(parsed, cue, values[Kind.CHANGE])
    historical = section is NoteSection.HISTORY or (
        governs(parsed, target, Kind.HISTORICAL) and change is Progression.NOT_STATED
    )
    word = parsed.words
    return Mention(
        Finding(target.meaning.value),
        word[target.first].start,
        word[target.last - 1].end,
        polarity=_polarity(cue, section, historical),
        historical=historical or _only_recalled(parsed, target, cue, change),
        family=section is NoteSection.FAMILY or governs(parsed, target, Kind.FAMILY),
        laterality=_side(values[Kind.SIDE]),
        locations=_places(values[Kind.PLACE]),
        progression=change,
    )


def _polarity(cue: Cue | None, section: NoteSection, historical: bool) -> Polarity:
    if cue is not None:
        return Polarity(cue.meaning.kind.value)
    return Polarity.UNCERTAIN if section is NoteSection.QUESTION and not historical else Polarity.PRESENT


def _only_recalled(parsed: Parsed, target: Cue, cue: Cue | None, change: Progression) -> bool:
    """Whether the sentence recalls an earlier description and says nothing of now."""
    recalls = any(found.meaning.kind is Kind.EARLIER for found in parsed.cues)
    says_now = NOW & set(parsed.lowered[target.last :])
    return recalls and cue is None and change is Progression.NOT_STATED and not says_now


def _change(parsed: Parsed, cue: Cue | None, values: tuple[str, ...]) -> Progression:
    """The change of a finding; what is not there has not changed, unless the sentence says that it was there before."""
    if cue is not None and cue.meaning.kind is Kind.ABSENT:
        recalled = any(found.meaning.kind is Kind.EARLIER for found in parsed.cues)
        return Progression.RESOLVED if cue.meaning.change or recalled else Progression.NOT_STATED
    stated = [value for value in values if value != Progression.NOT_COMPARABLE]
    return Progression(stated[0]) if stated else Progression.NOT_STATED


def _of_sentence(mentions: tuple[Mention, ...], values: tuple[str, ...]) -> Progression:
    if Progression.NOT_COMPARABLE in values:
        return Progression.NOT_COMPARABLE
    stated = [mention.progression for mention in mentions if mention.progression is not Progression.NOT_STATED]
    if mentions:
        return stated[0] if stated else Progression.NOT_STATED
    return Progression(values[0]) if values else Progression.NOT_STATED


def _side(values: tuple[str, ...]) -> Laterality:
    sides = {Laterality(value) for value in values}
    if Laterality.BILATERAL in sides or sides >= {Laterality.LEFT, Laterality.RIGHT}:
        return Laterality.BILATERAL
    return next((side for side in Laterality if side in sides), Laterality.NOT_STATED)


def _places(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _compares(parsed: Parsed) -> bool:
    changes = [cue.meaning for cue in parsed.cues if cue.meaning.kind is Kind.CHANGE]
    if any(meaning.value == Progression.NOT_COMPARABLE for meaning in changes):
        return False
    kinds = {cue.meaning.kind for cue in parsed.cues}
    resolved = any(cue.meaning.change for cue in parsed.cues)
    newly = any("new" in parsed.lowered[cue.first : cue.last] for cue in parsed.cues)
    return bool(changes) or resolved or newly or bool(kinds & {Kind.COMPARE, Kind.EARLIER})


def _is_history(parsed: Parsed, mentions: tuple[Mention, ...], section: NoteSection) -> bool:
    if mentions:
        return all(mention.historical or mention.family for mention in mentions)
    return section is NoteSection.HISTORY or any(cue.meaning.kind is Kind.HISTORICAL for cue in parsed.cues)


def _rank(mention: Mention) -> tuple[bool, bool, int, int]:
    order = (Polarity.PRESENT, Polarity.UNCERTAIN, Polarity.ABSENT)
    past = mention.historical or mention.family
    return (past, mention.finding is Finding.NO_FINDING, order.index(mention.polarity), mention.start)
