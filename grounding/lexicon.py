"""The words that `grounding.context` knows: findings, cues, change words, sides and places, in one book.

One book, so that the longest phrase wins across all lists: "lungs are clear of" is a negation although "lungs are
clear" is a finding, and "no change in" is no negation although "no" is one. The lists are data (`grounding/data`),
written for this project after the scheme of medspaCy's ConText rules; nothing there is copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from grounding.data import objects
from grounding.findings import plural, vocabulary
from grounding.words import PhraseBook, words_of


class Kind(StrEnum):
    """What a phrase does to the sentence it stands in."""

    FINDING = "finding"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"
    HISTORICAL = "historical"
    EARLIER = "earlier"  # describes a finding as known from before, says nothing of now
    FAMILY = "family"
    CHANGE = "change"
    COMPARE = "compare"
    SIDE = "side"
    PLACE = "place"
    STOP = "stop"
    NOTHING = "nothing"  # looks like one of the above and is not


class Reach(StrEnum):
    """Which way from a cue its findings stand."""

    FORWARD = "forward"
    BACKWARD = "backward"
    AROUND = "around"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One meaning of a phrase.

    Attributes:
        value: the finding, side, place or change that it names, "" for the other kinds.
        window: how many words it reaches at most, None for the rest of its clause.
        through: whether a negation before it still holds behind it ("no nodule suspicious for cancer").
        breaks: whether it ends the reach of a negation before it ("no effusion, no change in the nodule").
        change: the change that a negation states besides ("has resolved"), "" when none.
    """

    kind: Kind
    value: str = ""
    reach: Reach = Reach.AROUND
    window: int | None = None
    through: bool = False
    breaks: bool = False
    change: str = ""


@cache
def book() -> PhraseBook[tuple[Meaning, ...]]:
    """Every phrase with its meanings ("bibasilar" is a side and a place)."""
    meanings: dict[tuple[str, ...], tuple[Meaning, ...]] = {}
    for phrase, meaning in (*_finding_phrases(), *_cue_phrases(), *_anatomy_phrases()):
        key = tuple(word.lower for word in words_of(phrase))
        if meaning not in meanings.get(key, ()):
            meanings[key] = (*meanings.get(key, ()), meaning)
    return PhraseBook({" ".join(key): meaning for key, meaning in meanings.items()})


@cache
def levels_of(place: str) -> frozenset[str]:
    """The levels (upper, mid, lower) at which a place may show on a frontal image; empty when it says nothing.

    >>> sorted(levels_of("lower lobe"))
    ['lower', 'mid']
    """
    return frozenset(objects("anatomy.json").get(place, {}).get("levels", ()))


def _finding_phrases() -> list[tuple[str, Meaning]]:
    return [
        (alias, Meaning(Kind.FINDING, finding.value))
        for finding, entry in vocabulary().items()
        for alias in entry.aliases
    ]


def _cue_phrases() -> list[tuple[str, Meaning]]:
    rows = objects("context.json").values()
    return [(phrase, _meaning(row)) for row in rows for phrase in row["phrases"]]


def _meaning(row: dict[str, Any]) -> Meaning:
    return Meaning(
        Kind(row["kind"]),
        row.get("value", ""),
        reach=Reach(row.get("reach", Reach.AROUND)),
        window=row.get("window"),
        through=row.get("through", False),
        breaks=row.get("breaks", False),
        change=row.get("change", ""),
    )


def _anatomy_phrases() -> list[tuple[str, Meaning]]:
    return [
        (form, Meaning(Kind(row["kind"]), name))
        for name, row in objects("anatomy.json").items()
        for alias in row["aliases"]
        for form in (alias, plural(alias))
    ]
