"""Where the picture and the notes point in different directions: both statements side by side, for a reader to judge.

What the picture says alone is what the draft says when it is made again without the notes; what the notes say is
`grounding.told`, newest first. Time lies between the two, so that not every difference is a conflict:

- *note: there; picture alone: none there* is a conflict (POLARITY): it has gone, the note is stale or false, or the
  picture was misread. The words alone cannot tell which. It is none where the earlier picture itself shows that it has
  gone, or where the newest note already says so.
- *note: none; picture alone: there* is a change, not a conflict: what is new was not there before. It becomes one where
  the draft, having read the note, drops what the picture shows (POLARITY), or where the earlier picture shows what the
  note says was not there (PROGRESSION).
- *note: left; picture alone: right*, at one level, with nothing else to pair with, is a conflict (LATERALITY).
- *picture alone: new since the earlier picture; note: there already* is a conflict (PROGRESSION).
- *sizes apart* (by half or more where both are in millimetres, by twice where one is only a word) are a conflict (SIZE)
  only where the draft denies the difference ("stable", or the other direction): what has grown has grown. "Mass" is
  taken as more than 30 mm and "nodule" as at most that (Bankier et al., Fleischner Society glossary, Radiology 2024).

A picture's silence is evidence only on findings that the draft would state if it saw them: those it speaks of, and
those that the caller names because the model was measured to see them.

Not here: notes against each other (`grounding.contradiction`); which of the two is right (nobody here knows).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from grounding.findings import Finding, vocabulary
from grounding.measurement import sizes_mm
from grounding.report import Citation, GroundedReport, GroundedSentence, Laterality, Polarity, Progression, Section
from grounding.side import OPPOSITE, side_of
from grounding.told import CLEAR_LUNGS, LUMPS, Place, Told, covers, place_of, standing, told
from grounding.words import word_set, words_of

MASS_MM: Final = 30.0
APART: Final = 1.5  # sizes that differ by this factor are two sizes
APART_FROM_WORDS: Final = 2.0  # and by this one where "nodule" or "mass" is all that is said: a word is no ruler
APART_MM: Final = 5.0  # and by at least this much: below it, two readers measure two sizes of one nodule
TEXTS: Final = word_set("report reports note notes")
SEEN_BEFORE: Final = frozenset({Progression.STABLE, Progression.WORSE, Progression.IMPROVED})


class ConflictKind(StrEnum):
    """In what they differ."""

    POLARITY = "polarity"
    LATERALITY = "laterality"
    PROGRESSION = "progression"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class Conflict:
    """One disagreement.

    Attributes:
        sentence: index in the draft of the sentence that it is about; None where only the note or only the draft of
            the image alone has it.
        image_says: the sentence of the draft without notes, or in our words that it says nothing of the finding.
        note_says: the note's sentence.
        citation: that sentence, verbatim.
    """

    kind: ConflictKind
    sentence: int | None
    image_says: str
    note_says: str
    citation: Citation | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """A finding as a draft states it."""

    index: int
    group: str
    finding: Finding
    polarity: Polarity
    progression: Progression
    place: Place
    text: str

    def there(self, group: str) -> bool:
        """Whether it shows, or suspects, one of that group."""
        return self.group == group and self.polarity is not Polarity.ABSENT

    @property
    def clear(self) -> bool:
        """Whether it says that the lungs are clear."""
        return self.finding is Finding.NO_FINDING and self.polarity is Polarity.PRESENT

    @property
    def gone(self) -> bool:
        """Whether the pictures themselves show that it was there and is no longer."""
        return self.polarity is Polarity.ABSENT and self.progression is Progression.RESOLVED


def conflicts(
    report: GroundedReport,
    *,
    image_only: GroundedReport | None,
    notes: Mapping[str, str],
    states: frozenset[Finding] = frozenset(),
) -> tuple[Conflict, ...]:
    """Every conflict between what the picture says alone and what the notes say, newest note first.

    Args:
        report: the draft, made with the notes.
        image_only: the same draft made without the notes; None where there is none: nothing is then known.
        notes: text by note id, newest first.
        states: findings that the model states whenever it sees them, so that its silence says "none".

    >>> from grounding.report import GroundedSentence
    >>> clear = GroundedReport((GroundedSentence("No nodule.", finding="nodule", polarity=Polarity.ABSENT),))
    >>> one, = conflicts(clear, image_only=clear, notes={"n1": "Nodule in the left apex."})
    >>> one.kind.value, one.image_says, one.note_says
    ('polarity', 'No nodule.', 'Nodule in the left apex.')
    """
    if image_only is None:
        return ()
    scene = _Scene(_seen(report), _seen_alone(image_only), standing(told(notes)), states)
    return tuple(dict.fromkeys((*scene.told_and_not_seen(), *scene.seen_and_denied(), *scene.seen_and_told())))


@dataclass(frozen=True, slots=True)
class _Scene:
    """The draft, the draft of the image alone, and what stands in the notes."""

    draft: tuple[_Seen, ...]
    alone: tuple[_Seen, ...]
    told: tuple[Told, ...]
    states: frozenset[Finding]

    def told_and_not_seen(self) -> Iterator[Conflict]:
        """What a note has, and the picture has on the other side, or not at all."""
        for one in self.told:
            if one.polarity is not Polarity.PRESENT or one.finding is Finding.NO_FINDING or self._shown(one):
                continue
            free = [seen for seen in self.alone if seen.there(one.group) and not self._telling(seen)]
            mirrored = [seen for seen in free if one.place.mirrors(seen.place)]
            if mirrored:
                yield self._conflict(ConflictKind.LATERALITY, one, mirrored[0])
            elif (said := self._denial(one)) is not None:
                yield Conflict(
                    ConflictKind.POLARITY, self._about(one.group, one.place), said, one.citation.quote, one.citation
                )

    def seen_and_denied(self) -> Iterator[Conflict]:
        """What the picture has and the newest note denies: the draft dropped it, or the earlier picture had it."""
        for seen in self._present():
            denial = next((one for one in self.told if one.denies(seen.finding, seen.place)), None)
            if denial is None or self._telling(seen):
                continue
            if not any(other.there(seen.group) and other.place.may_be(seen.place) for other in self.draft):
                yield self._conflict(ConflictKind.POLARITY, denial, seen)
            elif seen.progression in SEEN_BEFORE:
                yield self._conflict(ConflictKind.PROGRESSION, denial, seen)

    def seen_and_told(self) -> Iterator[Conflict]:
        """What both have, and the earlier picture had not, or at a size that the draft's words deny."""
        for seen in self._present():
            for one in self._telling(seen)[:1]:
                if seen.progression is Progression.NEW:
                    yield self._conflict(ConflictKind.PROGRESSION, one, seen)
                elif self._size_denied(seen, one):
                    yield self._conflict(ConflictKind.SIZE, one, seen)

    def _present(self) -> Iterator[_Seen]:
        return (seen for seen in self.alone if seen.polarity is Polarity.PRESENT)

    def _telling(self, seen: _Seen) -> list[Told]:
        return [one for one in self.told if one.tells_of(seen.finding, seen.place)]

    def _shown(self, one: Told) -> bool:
        """Whether the picture alone has it, suspects it, or shows that it has gone."""
        here = [seen for seen in self.alone if seen.group == one.group and one.place.may_be(seen.place)]
        return any(seen.gone or (seen.there(one.group) and not self._is_another(seen, one)) for seen in here)

    def _is_another(self, seen: _Seen, one: Told) -> bool:
        """Whether an opacity is another thing than the note's nodule: nodules are denied, or named beside it."""
        if seen.finding is not Finding.OPACITY or one.finding not in LUMPS:
            return False
        lumps = [other for other in self.alone if other.finding in LUMPS]
        denied = any(other.polarity is Polarity.ABSENT and not other.gone for other in lumps)
        return denied or (bool(lumps) and seen.place == Place())

    def _denial(self, one: Told) -> str | None:
        """The words by which the picture alone says that there is none; None where it says nothing of it."""
        absent = [seen for seen in self.alone if seen.polarity is Polarity.ABSENT and covers(seen.finding, one.finding)]
        clear = [seen for seen in self.alone if seen.clear and one.group in CLEAR_LUNGS]
        elsewhere = [seen for seen in self.alone if seen.there(one.group)]
        for seen in (*absent, *clear, *elsewhere):
            return seen.text
        if any(covers(finding, one.finding) for finding in self.states):
            return f"No {one.finding.value.replace('_', ' ')} is stated from the image alone."
        return None

    def _size_denied(self, seen: _Seen, one: Told) -> bool:
        """Whether sizes are two and the draft says that they are one, or the other way round."""
        change = _size_change(seen, one)
        if change is None:
            return False
        denies = SEEN_BEFORE - {change}
        matching = (other for other in self.draft if other.there(seen.group) and other.place.may_be(seen.place))
        return any(other.progression in denies for other in matching)

    def _conflict(self, kind: ConflictKind, one: Told, seen: _Seen) -> Conflict:
        return Conflict(kind, self._about(seen.group, seen.place), seen.text, one.citation.quote, one.citation)

    def _about(self, group: str, place: Place) -> int | None:
        """The draft's sentence on that finding there: one that shows it before one that denies it."""
        related = [seen for seen in self.draft if seen.group == group and place.may_be(seen.place)]
        ranked = sorted(related, key=lambda seen: (seen.polarity is Polarity.ABSENT, seen.index))
        return ranked[0].index if ranked else None


def _seen(report: GroundedReport) -> tuple[_Seen, ...]:
    """What a report states of findings now; history is none of it."""
    found: list[_Seen] = []
    for index, sentence in enumerate(report.sentences):
        if sentence.finding is None or sentence.section is Section.HISTORY:
            continue
        finding = Finding(sentence.finding)
        entry = vocabulary()[finding]
        if entry.groundable or finding is Finding.NO_FINDING:
            place = _place(sentence)
            found.append(
                _Seen(index, entry.group, finding, sentence.polarity, sentence.progression, place, sentence.text)
            )
    return tuple(found)


def _seen_alone(report: GroundedReport) -> tuple[_Seen, ...]:
    """The same of a draft without notes; a comparison with a report is not the picture's to make, and says nothing."""
    return tuple(
        replace(seen, progression=Progression.NOT_STATED) if TEXTS & _words(seen.text) else seen
        for seen in _seen(report)
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower for word in words_of(text))


def _place(sentence: GroundedSentence) -> Place:
    """As the words say; where they name no side, as the boxes lie."""
    locations = (sentence.location or "").split(", ") if sentence.location else ()
    side = sentence.laterality
    if side is Laterality.NOT_STATED and sentence.boxes:
        sides = {side_of(box) for box in sentence.boxes}
        side = sides.pop() if len(sides) == 1 else Laterality.BILATERAL
    return place_of(side if side in OPPOSITE else _wide(side), locations)


def _wide(side: Laterality) -> Laterality:
    """Midline is no side: it contradicts none."""
    return Laterality.NOT_STATED if side is Laterality.MIDLINE else side


def _size_change(seen: _Seen, one: Told) -> Progression | None:
    """WORSE or IMPROVED where the note's size and the picture's are two; None where they may be one, or none is known.

    A size that the picture's sentence states counts; else the word does: a mass is larger than 30 mm.
    """
    then = one.size_mm
    if then is None:
        return None
    low, high, factor = _size_now(seen)
    if low is not None and low >= then * factor and low - then >= APART_MM:
        return Progression.WORSE
    if high is not None and then >= high * factor and then - high >= APART_MM:
        return Progression.IMPROVED
    return None


def _size_now(seen: _Seen) -> tuple[float | None, float | None, float]:
    """The least and the greatest size that the words allow, mm, and the factor by which another size is another."""
    stated: Sequence[float] = sizes_mm(seen.text)
    if stated:
        return max(stated), max(stated), APART
    if seen.finding is Finding.MASS:
        return MASS_MM, None, APART_FROM_WORDS
    return None, MASS_MM if seen.finding is Finding.NODULE else None, APART_FROM_WORDS
