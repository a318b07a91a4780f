"""Which findings a cue reaches: the scopes of ConText, with the ends that radiology's lists and commas need.

Source: Harkema et al., "ConText", J Biomed Inform 42 (2009) 839, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from grounding.lexicon import Kind, Reach
from grounding.parse import Cue, Parsed
from grounding.words import word_set

LONGEST_REACH: Final = 40  # words; longer than any list of negatives, short enough for a text made to be slow
NEXT: Final = 2  # words, as between "suspected" and "effusion" in "suspected small right effusion"
POLAR: Final = frozenset({Kind.ABSENT, Kind.UNCERTAIN})
AUXILIARIES: Final = word_set("is are was were be been has have had remains")
STATES: Final = word_set(  # after a comma these open a new statement: "no effusion, small nodule"
    "a an the there small tiny mild minimal moderate large trace stable unchanged persistent new left right "
    "bilateral with known also again"
)


def nearest(parsed: Parsed, target: Cue) -> Cue | None:
    """The negation or doubt that decides a finding: of all that reach it, the nearest; None when none does."""
    cues = [cue for cue in parsed.cues if cue.meaning.kind in POLAR and reaches(parsed, cue, target)]
    denied = [cue for cue in cues if cue.meaning.kind is Kind.ABSENT]
    if denied and all(cue.meaning.through for cue in cues if cue.meaning.kind is Kind.UNCERTAIN):
        cues = denied
    return min(cues, key=lambda cue: _distance(cue, target), default=None)


def governs(parsed: Parsed, target: Cue, kind: Kind) -> bool:
    """Whether any cue of that kind reaches the finding."""
    return any(cue.meaning.kind is kind and reaches(parsed, cue, target) for cue in parsed.cues)


def reaches(parsed: Parsed, cue: Cue, target: Cue) -> bool:
    """Whether the finding lies in the cue's scope."""
    meaning = cue.meaning
    if _distance(cue, target) > (LONGEST_REACH if meaning.window is None else meaning.window):
        return False
    if target.first >= cue.last:
        return meaning.reach is not Reach.BACKWARD and not _cut_forward(parsed, cue, target)
    return (
        meaning.reach is not Reach.FORWARD
        and not _looks_forward(parsed, cue)
        and not _cut_backward(parsed, cue, target)
    )


def _distance(cue: Cue, target: Cue) -> int:
    return target.first - cue.last if target.first >= cue.last else cue.first - target.last


def _between(parsed: Parsed, first: int, last: int) -> Iterator[Cue]:
    return (cue for cue in parsed.cues if first <= cue.first and cue.last <= last)


def _cut_forward(parsed: Parsed, cue: Cue, target: Cue) -> bool:
    between = list(_between(parsed, cue.last, target.first))
    if any(_stops(other, Reach.FORWARD) for other in between):
        return True
    if cue.meaning.kind in POLAR and any(_takes_over(cue, other) for other in between):
        return True
    return _cut_by_comma(parsed, cue, target)


def _takes_over(cue: Cue, other: Cue) -> bool:
    """Whether a later cue ends the reach of an earlier one; a doubt within a denial does not."""
    if other.meaning.kind not in POLAR or other.meaning.reach is Reach.BACKWARD:
        return False
    return not (cue.meaning.kind is Kind.ABSENT and other.meaning.through)


def _cut_by_comma(parsed: Parsed, cue: Cue, target: Cue) -> bool:
    """A comma ends a doubt or a history, and ends a denial where a new statement opens; never inside an or-list."""
    words = parsed.lowered
    commas = [index for index in range(cue.last, target.first) if words[index] == ","]
    if not commas or _or_list(words, commas[0], target.last):
        return False
    if cue.meaning.kind is not Kind.ABSENT:
        return True
    return any(words[index + 1] in STATES for index in commas)


def _or_list(words: tuple[str, ...], comma: int, end: int) -> bool:
    rest = words[comma : comma + LONGEST_REACH]
    if not {"or", "nor"} & set(rest):
        return False
    last_or = max(index for index, word in enumerate(rest) if word in {"or", "nor"}) + comma
    return last_or >= end - 2


def _cut_backward(parsed: Parsed, cue: Cue, target: Cue) -> bool:
    if any(_stops(other, Reach.BACKWARD) for other in _between(parsed, target.last, cue.first)):
        return True
    words = list(parsed.lowered[target.last : cue.first])
    if cue.meaning.kind is not Kind.ABSENT and "," in words and not {"or", "nor", "and"} & set(words):
        return True
    while words and words[-1] in AUXILIARIES:
        words.pop()
    verbs = [index for index, word in enumerate(words) if word in AUXILIARIES]
    return any(index == 0 or words[index - 1] not in {"which", "that"} for index in verbs)


def _looks_forward(parsed: Parsed, cue: Cue) -> bool:
    """Whether a cue that can look either way has a finding right after it: "nodule and suspected effusion"."""
    either = any(
        other.first == cue.first and other.meaning.reach is Reach.FORWARD and other.meaning.kind is cue.meaning.kind
        for other in parsed.cues
    )
    near = any(0 <= mention.first - cue.last <= NEXT for mention in parsed.mentions)
    return either and near and cue.meaning.window is None


def _stops(cue: Cue, direction: Reach) -> bool:
    meaning = cue.meaning
    return meaning.breaks or (meaning.kind is Kind.STOP and meaning.reach in {direction, Reach.AROUND})
