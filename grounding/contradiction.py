"""Notes against each other: one says right and another left, one says "gone" and a later one "stable".

Time lies between two notes, so that "none" and later "one there" is no contradiction, nor is "there" and later "gone".
A contradiction is what no course of events explains: a side that changes, a finding that was gone or never there and
is then *unchanged*, one that was there and is then *new*, a size that stays the same at half the millimetres; and,
within one note, a finding that is both denied and described.

Not here: the picture (`grounding.conflict`). Which note is right is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from grounding.conflict import APART, APART_MM, SEEN_BEFORE, ConflictKind
from grounding.findings import Finding
from grounding.report import Citation, Polarity, Progression
from grounding.told import Told, told

MOST: Final = 50  # notes that contradict themselves more often were made to; who reads fifty has read enough


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two statements of the notes that no course of events makes true together.

    Attributes:
        first: of the newer note (within one note, the one that stands first).
        second: of the older one.
    """

    kind: ConflictKind
    first: Citation
    second: Citation


def contradictions(notes: Mapping[str, str]) -> tuple[Contradiction, ...]:
    """All contradictions among the notes, newest first, each pair of statements once for each kind; the first fifty.

    Args:
        notes: text by note id, newest first.

    >>> notes = {"new": "Left effusion, unchanged.", "old": "The left effusion has resolved."}
    >>> [(one.kind.value, one.second.quote) for one in contradictions(notes)]
    [('progression', 'The left effusion has resolved.')]
    """
    everything = told(notes)
    statements = tuple(one for one in everything if one.finding is not Finding.NO_FINDING)
    clear = tuple(one for one in everything if one.finding is Finding.NO_FINDING)
    found = (*_within(statements), *_on_sides(statements), *_of_course(statements, clear), *_of_size(statements))
    return tuple(dict.fromkeys(found))[:MOST]


def _within(statements: Sequence[Told]) -> Iterator[Contradiction]:
    """One note that denies and describes, or that has one size on two sides."""
    for one, other in _pairs(statements):
        if one.age != other.age or one.citation == other.citation:
            continue
        if _denied(one, other) or _denied(other, one):
            yield Contradiction(ConflictKind.POLARITY, one.citation, other.citation)
        both = one.polarity is other.polarity is Polarity.PRESENT
        if both and one.place.mirrors(other.place) and one.sizes_mm and one.sizes_mm == other.sizes_mm:
            yield Contradiction(ConflictKind.LATERALITY, one.citation, other.citation)


def _denied(denial: Told, other: Told) -> bool:
    denies = denial.progression is not Progression.RESOLVED and denial.denies(other.finding, other.place)
    return denies and other.polarity is Polarity.PRESENT


def _on_sides(statements: Sequence[Told]) -> Iterator[Contradiction]:
    """Two notes with one finding each, on opposite sides, at one level: it cannot have moved."""
    for newer, older in _pairs(statements):
        if newer.age >= older.age or newer.progression is Progression.NEW:
            continue
        both = newer.polarity is older.polarity is Polarity.PRESENT
        if both and newer.place.mirrors(older.place) and _alone(newer, older, statements):
            yield Contradiction(ConflictKind.LATERALITY, newer.citation, older.citation)


def _alone(newer: Told, older: Told, statements: Sequence[Told]) -> bool:
    """Whether neither note says anything of the other's place: then they can only mean one thing."""
    return not any(
        (one.age == newer.age and one is not newer and _speaks_of(one, older))
        or (one.age == older.age and one is not older and _speaks_of(one, newer))
        for one in statements
    )


def _speaks_of(one: Told, other: Told) -> bool:
    return one.tells_of(other.finding, other.place) or one.denies(other.finding, other.place)


def _of_course(statements: Sequence[Told], clear: Sequence[Told]) -> Iterator[Contradiction]:
    """A change that the last earlier note to speak of it makes impossible."""
    for newer in statements:
        if newer.polarity is not Polarity.PRESENT or newer.progression is Progression.NOT_STATED:
            continue
        earlier = [one for one in (*statements, *clear) if one.age > newer.age and _speaks_of(one, newer)]
        last = min(earlier, key=lambda one: one.age, default=None)
        if last is None:
            continue
        was_there = last.tells_of(newer.finding, newer.place)
        if (newer.progression is Progression.NEW and was_there) or (newer.progression in SEEN_BEFORE and not was_there):
            yield Contradiction(ConflictKind.PROGRESSION, newer.citation, last.citation)


def _of_size(statements: Sequence[Told]) -> Iterator[Contradiction]:
    """A change in words that the millimetres of the last earlier note deny."""
    for newer in statements:
        earlier = [one for one in statements if one.age > newer.age and one.tells_of(newer.finding, newer.place)]
        last = min(earlier, key=lambda one: one.age, default=None)
        if last is None or newer.polarity is not Polarity.PRESENT:
            continue
        now, then = newer.size_mm, last.size_mm
        if now is not None and then is not None and _impossible(newer.progression, now, then):
            yield Contradiction(ConflictKind.SIZE, newer.citation, last.citation)


def _impossible(change: Progression, now: float, then: float) -> bool:
    apart = max(now, then) >= APART * min(now, then) and abs(now - then) >= APART_MM
    if change is Progression.STABLE:
        return apart
    return apart and ((change is Progression.WORSE and now < then) or (change is Progression.IMPROVED and now > then))


def _pairs(statements: Sequence[Told]) -> Iterator[tuple[Told, Told]]:
    """Each two statements on one group of findings, the newer one (else the one that stands first) before the other."""
    for index, one in enumerate(statements):
        for other in statements[index + 1 :]:
            if one.group == other.group:
                yield one, other
