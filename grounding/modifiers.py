"""Which finding a side, a place or a change word belongs to.

A modifier right before a finding ("new right nodule") belongs to it; else it belongs to the findings named before it
in its clause ("nodule on the right"), else to those named after it ("on the right a nodule"), else to the last finding
before its clause ("nodule; stable"), else to the first behind it ("on the right there is a nodule").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grounding.lexicon import Kind, Reach
from grounding.parse import Cue, Parsed
from grounding.words import word_set

MODIFIERS: Final = (Kind.SIDE, Kind.PLACE, Kind.CHANGE)
PARTS: Final = word_set(  # between a modifier and a finding these say that it is not right before it
    ", : ; ? and or nor with without in on at to from by for since as is are was were be been has have had there "
    "this that which but seen noted measuring compared"
)
Values = Mapping[Kind, tuple[str, ...]]


def assigned(parsed: Parsed) -> tuple[Values, ...]:
    """For each mention the sides, places and changes that belong to it, in the order of the text."""
    owned = [(cue, _owners(parsed, cue)) for cue in parsed.cues if cue.meaning.kind in MODIFIERS]
    return tuple(
        {
            kind: tuple(cue.meaning.value for cue, owners in owned if cue.meaning.kind is kind and index in owners)
            for kind in MODIFIERS
        }
        for index in range(len(parsed.mentions))
    )


def loose(parsed: Parsed) -> Values:
    """All sides, places and changes of the sentence, whomever they belong to."""
    return {kind: tuple(cue.meaning.value for cue in parsed.cues if cue.meaning.kind is kind) for kind in MODIFIERS}


def _owners(parsed: Parsed, cue: Cue) -> frozenset[int]:
    first, last = _clause(parsed, cue)
    inside = [index for index, mention in enumerate(parsed.mentions) if first <= mention.first < last]
    after = [index for index in inside if parsed.mentions[index].first >= cue.last]
    before = [index for index in inside if parsed.mentions[index].last <= cue.first]
    if after and _touches(parsed, cue, parsed.mentions[after[0]]):
        return frozenset(after[:1])
    if before:
        return _last_group(parsed, before)
    if after:
        return frozenset(after)
    earlier = [index for index, mention in enumerate(parsed.mentions) if mention.last <= cue.first]
    return frozenset(earlier[-1:] or range(min(1, len(parsed.mentions))))


def _touches(parsed: Parsed, cue: Cue, mention: Cue) -> bool:
    between = set(parsed.lowered[cue.last : mention.first])
    if cue.meaning.kind is Kind.CHANGE and cue.meaning.breaks:
        return not PARTS & (between - {"in", "of", "the"})
    return not PARTS & between


def _last_group(parsed: Parsed, before: list[int]) -> frozenset[int]:
    """The last mention before the modifier, with those coordinated to it: "effusion and nodule on the right"."""
    group = [before[-1]]
    for index in reversed(before[:-1]):
        between = set(parsed.lowered[parsed.mentions[index].last : parsed.mentions[group[-1]].first])
        if not between <= {"and", "or", ",", "a", "an"}:
            break
        group.append(index)
    return frozenset(group)


def _clause(parsed: Parsed, cue: Cue) -> tuple[int, int]:
    stops = [other for other in parsed.cues if other.meaning.kind is Kind.STOP and other.meaning.reach is Reach.AROUND]
    first = max((other.last for other in stops if other.last <= cue.first), default=0)
    last = min((other.first for other in stops if other.first >= cue.last), default=len(parsed.words))
    return first, last
