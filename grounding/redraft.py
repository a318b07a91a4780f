"""What another draft of the same case says otherwise, sentence by sentence: the redraft beside the draft.

Sentences are paired within a finding (within equal words where no finding is named) so that as few facts as possible
differ, nearer boxes breaking ties. What is left over disappears or appears: a nodule that becomes a mass does one of
each. A pair differs where polarity, laterality, progression or location do; other words for the same facts are no
change. Which of the two drafts is right is no question here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from grounding.assignment import assigned
from grounding.box import Box
from grounding.report import GroundedReport, GroundedSentence, Polarity

FACTS = ("polarity", "laterality", "progression", "location")


class RedraftChange(StrEnum):
    """What becomes of a sentence in the other draft; the last four are the facts of `FACTS`."""

    APPEARS = "appears"
    DISAPPEARS = "disappears"
    POLARITY = "polarity"
    LATERALITY = "laterality"
    PROGRESSION = "progression"
    LOCATION = "location"


@dataclass(frozen=True, slots=True)
class SentenceChange:
    """One change; a sentence that differs in two facts has two, one that is there in one draft only has one: that.

    Attributes:
        sentence: its index in the draft; None for one that only the other draft has.
        before, after: the sentence's words in the draft and in the other; None where it does not stand there.
    """

    change: RedraftChange
    sentence: int | None
    before: str | None
    after: str | None

    def __post_init__(self) -> None:
        """Refuse words that the kind of change rules out."""
        appears, disappears = self.change is RedraftChange.APPEARS, self.change is RedraftChange.DISAPPEARS
        given = (self.sentence is None, self.before is None, self.after is None)
        if given != (appears, appears, disappears):
            msg = f"what appears was not there, what disappears is not there, what changes is in both: {self}"
            raise ValueError(msg)


def report_changes(draft: GroundedReport, other: GroundedReport) -> tuple[SentenceChange, ...]:
    """Every change from the draft to the other: in the order of the draft's sentences, then what appears.

    >>> nodule = GroundedSentence("Nodule.", finding="nodule")
    >>> [one.change.value for one in report_changes(GroundedReport((nodule,)), GroundedReport((nodule,)))]
    []
    """
    partner = dict(paired(draft.sentences, other.sentences))
    there = set(partner.values())
    appearing = (one.text for index, one in enumerate(other.sentences) if index not in there)
    return (
        *(
            change
            for index, sentence in enumerate(draft.sentences)
            for change in _of(index, sentence, other.sentences[partner[index]] if index in partner else None)
        ),
        *(SentenceChange(RedraftChange.APPEARS, None, None, text) for text in appearing),
    )


def _of(index: int, sentence: GroundedSentence, other: GroundedSentence | None) -> Iterator[SentenceChange]:
    if other is None:
        yield SentenceChange(RedraftChange.DISAPPEARS, index, sentence.text, None)
        return
    facts = differing(sentence, other)
    gone = Polarity.ABSENT in (sentence.polarity, other.polarity)
    for fact in ("polarity",) if "polarity" in facts and gone else facts:  # what is not there has no side or place
        yield SentenceChange(RedraftChange(fact), index, sentence.text, other.text)


def differing(ours: GroundedSentence, theirs: GroundedSentence) -> tuple[str, ...]:
    """The facts in which two sentences differ, in the order of `FACTS`."""
    return tuple(fact for fact in FACTS if getattr(ours, fact) != getattr(theirs, fact))


def paired(ours: Sequence[GroundedSentence], theirs: Sequence[GroundedSentence]) -> tuple[tuple[int, int], ...]:
    """Which sentence stands for which: (index of ours, index of theirs), in the order of ours."""
    found: list[tuple[int, int]] = []
    for subject in {_subject(sentence) for sentence in ours}:
        mine = [index for index, sentence in enumerate(ours) if _subject(sentence) == subject]
        others = [index for index, sentence in enumerate(theirs) if _subject(sentence) == subject]
        costs = [[_cost(ours[a], theirs[b]) for b in others] for a in mine]
        found += [(mine[row], others[column]) for row, column in assigned(costs)]
    return tuple(sorted(found))


def _subject(sentence: GroundedSentence) -> tuple[str, ...]:
    """What a sentence is about: its section and finding, or its words where it names none."""
    words = re.findall(r"\w+", sentence.text.lower()) if sentence.finding is None else [sentence.finding]
    return (sentence.section.value, *words)


def _cost(ours: GroundedSentence, theirs: GroundedSentence) -> float:
    """Facts that differ, then distance of the boxes' centres (at most 1), then words."""
    return len(differing(ours, theirs)) + _apart(ours.boxes, theirs.boxes) * 0.5 + (ours.text != theirs.text) * 0.01


def _apart(ours: Sequence[Box], theirs: Sequence[Box]) -> float:
    if not ours or not theirs:
        return float(bool(ours) != bool(theirs))
    return min(math.dist(a.center, b.center) for a in ours for b in theirs) / math.sqrt(2)
