"""What notes tell of findings of the chest, each with its place and its verbatim span, newest note first.

Told is what a note says was there, or was not, when it was written. Left out: what a relative has, what the past
history recalls, what an indication asks, what stands under "comparison", a denial of *new* or *other* findings (it
denies no known one), and findings that no frontal image could show. `standing` keeps what no newer
note has overtaken. Notes are data: whatever they say, they are only read and quoted.

Not here: what a picture shows (`grounding.conflict`), notes against each other (`grounding.contradiction`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from grounding.context import Mention, NoteSentence, Reading, read_note
from grounding.findings import Finding, related, vocabulary
from grounding.lexicon import levels_of
from grounding.report import Citation, Laterality, Polarity, Progression
from grounding.sentences import NoteSection
from grounding.side import OPPOSITE
from grounding.words import word_set, words_of

HEIGHT: Final = {"upper": 0, "mid": 1, "lower": 2}
UNTOLD: Final = frozenset({NoteSection.FAMILY, NoteSection.HISTORY, NoteSection.QUESTION, NoteSection.COMPARISON})
BONY: Final = word_set("bone bones bony osseous skeleton skeletal rib ribs spine vertebra vertebrae vertebral sternum")
QUALIFIED: Final = word_set("new other further additional suspicious large larger enlarging")
DENIERS: Final = word_set("no not without nor")
REACH: Final = (
    4  # words from "no" on among which a word like "new" speaks of all that is denied: "no new or large mass"
)
CLEAR_LUNGS: Final = frozenset({"lesion", "airspace"})  # groups of findings that "the lungs are clear" denies
LUMPS: Final = frozenset({Finding.NODULE, Finding.MASS})
WIDE: Final = frozenset(
    {Finding.OPACITY, Finding.CONSOLIDATION, Finding.INFILTRATION}
)  # names that cover narrower ones
MOST, MOST_OF_ALL = 60, 240  # statements of one note, and of all: notes made to be long are not compared for ever


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is, as far as words say: the patient's side, and the levels (upper, mid, lower) it may be at."""

    side: Laterality = Laterality.NOT_STATED
    levels: frozenset[str] = frozenset()

    def may_be(self, other: Place) -> bool:
        """Whether both may be one place: not on opposite sides, and at levels that are alike or next to each other.

        >>> left, right = Place(Laterality.LEFT, frozenset({"upper"})), Place(Laterality.RIGHT)
        >>> left.may_be(right), left.may_be(Place()), left.may_be(Place(Laterality.LEFT, frozenset({"lower"})))
        (False, True, False)
        """
        return OPPOSITE.get(self.side) is not other.side and self.near(other)

    def mirrors(self, other: Place) -> bool:
        """Whether the other is on the opposite side at a level that may be the same."""
        return OPPOSITE.get(self.side) is other.side and self.near(other)

    def near(self, other: Place) -> bool:
        """Whether the levels have one in common, or are two zones that touch: where one ends is a matter of opinion."""
        mine, theirs = self.levels, other.levels
        if not mine or not theirs or mine & theirs:
            return True
        zones = len(mine) == len(theirs) == 1
        return zones and abs(HEIGHT[min(mine)] - HEIGHT[min(theirs)]) == 1


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that a note says of a finding.

    Attributes:
        age: 0 for the newest note, 1 for the next, and so on.
        polarity: PRESENT, ABSENT or UNCERTAIN, when the note was written.
        sizes_mm: of the sentence, where it speaks of this kind of finding only.
        citation: the sentence, verbatim.
    """

    age: int
    finding: Finding
    polarity: Polarity
    progression: Progression
    place: Place
    sizes_mm: tuple[float, ...]
    citation: Citation

    @property
    def group(self) -> str:
        """The group of findings that reports call by each other's names."""
        return vocabulary()[self.finding].group

    @property
    def size_mm(self) -> float | None:
        """Its greatest length when the note was written; of a finding that had shrunk the least that is stated.

        >>> one, = told({"n1": "The left nodule is smaller, 10 mm versus 14 mm."})
        >>> one.size_mm
        10.0
        """
        if not self.sizes_mm:
            return None
        return min(self.sizes_mm) if self.progression is Progression.IMPROVED else max(self.sizes_mm)

    def denies(self, finding: Finding, place: Place) -> bool:
        """Whether it says that there was no such finding there.

        A denial on one side says nothing of the other; "the lungs are clear" denies what lies in the lungs.
        """
        if self.finding is Finding.NO_FINDING:
            return self.polarity is Polarity.PRESENT and vocabulary()[finding].group in CLEAR_LUNGS
        if self.polarity is not Polarity.ABSENT or not covers(self.finding, finding) or not self.place.near(place):
            return False
        return place.side in (self.place.side, Laterality.NOT_STATED) or self.place.side not in OPPOSITE

    def tells_of(self, finding: Finding, place: Place) -> bool:
        """Whether it says that there was such a finding, by any of its names, at a place that may be this one."""
        return self.polarity is Polarity.PRESENT and related(self.finding, finding) and self.place.may_be(place)


def told(notes: Mapping[str, str]) -> tuple[Told, ...]:
    """All that the notes tell, note by note, in the order of their texts.

    Args:
        notes: text by note id, newest first, as `Case.notes` keeps them.

    >>> one, = told({"n1": "Heart normal. 12 mm nodule in the left lower lobe. Mother had a lung mass."})
    >>> one.finding.value, one.place.side.value, one.sizes_mm, one.citation.quote
    ('nodule', 'left', (12.0,), '12 mm nodule in the left lower lobe.')
    """
    found: list[Told] = []
    for age, (note_id, text) in enumerate(notes.items()):
        if len(found) >= MOST_OF_ALL:
            break
        sentences = (one for one in read_note(text) if one.section not in UNTOLD)
        statements = [said for one in sentences for said in _of_sentence(age, note_id, text, one)]
        found += statements[:MOST]
    return tuple(found[:MOST_OF_ALL])


def standing(statements: Sequence[Told]) -> tuple[Told, ...]:
    """Those that no newer note has overtaken, by denying it or by telling of it again; a note's repeats are dropped."""
    kept: list[Told] = []
    for one in sorted(statements, key=lambda each: each.age):
        if not any(_overtakes(other, one) for other in kept):
            kept.append(one)
    return tuple(kept)


def covers(denied: Finding, finding: Finding) -> bool:
    """Whether who denies the one denies the other: no opacity is no nodule, but no nodule is not no opacity.

    >>> covers(Finding.OPACITY, Finding.NODULE), covers(Finding.NODULE, Finding.OPACITY)
    (True, False)
    """
    if not related(denied, finding):
        return False
    narrow = vocabulary()[denied].group in CLEAR_LUNGS and denied not in WIDE
    return not narrow or denied is finding or {denied, finding} <= LUMPS


def place_of(side: Laterality, locations: Iterable[str]) -> Place:
    """A place in words as a `Place`."""
    return Place(side, frozenset(level for name in locations for level in levels_of(name)))


def _overtakes(newer: Told, older: Told) -> bool:
    if newer.polarity is Polarity.UNCERTAIN:
        return False
    if newer.tells_of(older.finding, older.place) and (newer.age < older.age or older.polarity is newer.polarity):
        return True
    return newer.age < older.age and newer.denies(older.finding, older.place)


def _of_sentence(age: int, note_id: str, text: str, sentence: NoteSentence) -> Iterator[Told]:
    reading = sentence.reading
    citation = Citation(note_id, sentence.start, sentence.end, text[sentence.start : sentence.end])
    counted = [mention for mention in reading.mentions if _counts(mention, reading)]
    groups = {vocabulary()[mention.finding].group for mention in counted}
    sizes = reading.sizes_mm if len(groups) == 1 else ()
    seen: set[tuple[str, Polarity, Place]] = set()
    for mention in sorted(counted, key=lambda each: (each.laterality is Laterality.NOT_STATED, each.start)):
        place = _placed(mention, reading)
        key = (vocabulary()[mention.finding].group, mention.polarity, place)
        if key not in seen:
            seen.add(key)
            yield Told(age, mention.finding, mention.polarity, mention.progression, place, sizes, citation)


def _counts(mention: Mention, reading: Reading) -> bool:
    if mention.historical or mention.family or _of_bone(mention, reading):
        return False
    if mention.finding is Finding.NO_FINDING:
        others = [other for other in reading.mentions if other.finding is not Finding.NO_FINDING]
        return all(other.polarity is Polarity.ABSENT for other in others)
    if mention.polarity is Polarity.ABSENT and mention.progression is not Progression.RESOLVED:
        return vocabulary()[mention.finding].groundable and not _qualified(mention, reading)
    return vocabulary()[mention.finding].groundable


def _of_bone(mention: Mention, reading: Reading) -> bool:
    """Whether a lesion is one of bone: "no suspicious lesion of the ribs" says nothing of the lungs."""
    return mention.finding is Finding.OPACITY and bool(BONY & {word.lower for word in words_of(reading.text)})


def _qualified(mention: Mention, reading: Reading) -> bool:
    """Whether only new, other or large ones are denied: such a word stands right behind the last "no" before it."""
    before = [word.lower for word in words_of(reading.text[: mention.start])]
    starts = [index for index, word in enumerate(before) if word in DENIERS]
    return bool(QUALIFIED & set(before[starts[-1] :][:REACH])) if starts else False


def _placed(mention: Mention, reading: Reading) -> Place:
    """The mention's place; its sentence's where it states none and is the only kind of finding there."""
    alone = len({vocabulary()[other.finding].group for other in reading.mentions}) == 1
    side, locations = mention.laterality, mention.locations
    if alone and len({other.laterality for other in reading.mentions} - {Laterality.NOT_STATED}) <= 1:
        side = reading.laterality if side is Laterality.NOT_STATED else side
        locations = locations or reading.locations
    return place_of(side, locations)
