"""A reader's answer to one sentence, turned into the atomic decision that the ledger keeps.

The reader presses a button and types; what it *counts as* is derived here from what changed (`cases.review`), so that a
rewording which moves the nodule to the other lung is a correction. It is not the decision row (`SentenceReview`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from cases.review import Decision, Reason, SentenceReview, derived_decision
from grounding.box import Box
from grounding.codecs.phrase import Phrase
from grounding.derive import derive_sentence
from grounding.report import GroundedSentence, Laterality, Polarity, Progression, Section


class Choice(StrEnum):
    """What the reader presses."""

    KEEP = "keep"
    REWORD = "reword"
    CORRECT = "correct"
    DELETE = "delete"


class IncompleteAnswerError(ValueError):
    """The answer cannot be stored yet; the message says in words what is missing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the reader says of one drafted sentence.

    Attributes:
        choice: the button.
        text: the sentence as the reader wants it (ignored by keep and delete).
        boxes: the boxes as the reader wants them (ignored by keep and delete).
        polarity, laterality, progression: set by hand; None leaves what the words say.
        reason: why it was changed.
    """

    choice: Choice
    text: str = ""
    boxes: tuple[Box, ...] = ()
    polarity: Polarity | None = None
    laterality: Laterality | None = None
    progression: Progression | None = None
    reason: Reason | None = None


def reviewed(index: int, before: GroundedSentence, *, answer: Answer, notes: Mapping[str, str]) -> SentenceReview:
    """The decision on a drafted sentence.

    Args:
        index: of the sentence in the draft.
        before: as drafted.
        answer: what the reader says.
        notes: text of each prior note by its id, for the citations of an edited sentence.

    Raises:
        IncompleteAnswerError: no reason yet, nothing changed yet, no words left, or a reason that the change belies.
    """
    if answer.choice is Choice.KEEP:
        return SentenceReview(index, Decision.KEPT, before, before)
    if answer.choice is Choice.DELETE:
        return SentenceReview(index, Decision.DELETED, before, None, _given(answer.reason, "deleted"))
    after = edited_sentence(before, answer=answer, notes=notes)
    decision = derived_decision(before, after)
    if decision is Decision.KEPT:
        msg = "nothing is changed yet: edit the sentence, or keep it"
        raise IncompleteAnswerError(msg)
    return SentenceReview(index, decision, before, after, _reason_of(decision, before, after=after, answer=answer))


def added(index: int, text: str, *, boxes: tuple[Box, ...], reason: Reason, notes: Mapping[str, str]) -> SentenceReview:
    """A sentence of the reader's own, at its place after the drafted ones.

    Raises:
        IncompleteAnswerError: it has no words.
    """
    sentence = _worded(text, boxes=boxes, section=Section.FINDINGS, notes=notes)
    return SentenceReview(index, Decision.ADDED, None, sentence, reason)


def edited_sentence(before: GroundedSentence, *, answer: Answer, notes: Mapping[str, str]) -> GroundedSentence:
    """The sentence after a reword or a correction; facts not set by hand are derived from the new words."""
    text = answer.text.strip()
    if text == before.text.strip():
        after = replace(before, text=before.text, boxes=_placed(before.polarity, answer.boxes))
    else:
        after = _worded(text, boxes=answer.boxes, section=before.section, notes=notes)
    return _set_by_hand(after, answer)


def changed_facts(before: GroundedSentence, after: GroundedSentence) -> tuple[str, ...]:
    """Which facts an edit changed, by name, boxes last.

    >>> a = GroundedSentence("Nodule, left.", laterality=Laterality.LEFT)
    >>> changed_facts(a, GroundedSentence("Nodule, right.", laterality=Laterality.RIGHT))
    ('laterality',)
    """
    names = ("finding", "polarity", "laterality", "location", "progression", "section", "boxes")
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


def _worded(text: str, *, boxes: tuple[Box, ...], section: Section, notes: Mapping[str, str]) -> GroundedSentence:
    if not text.strip():
        msg = "the sentence has no words: type it, or delete it"
        raise IncompleteAnswerError(msg)
    bare = derive_sentence(Phrase(text.strip(), ()), notes=notes, section=section)
    placed = _placed(bare.polarity, boxes)
    return replace(bare, boxes=placed, groundable=bare.groundable or bool(placed))


def _placed(polarity: Polarity, boxes: tuple[Box, ...]) -> tuple[Box, ...]:
    """What is absent has no box."""
    return () if polarity is Polarity.ABSENT else boxes


def _set_by_hand(sentence: GroundedSentence, answer: Answer) -> GroundedSentence:
    polarity = answer.polarity or sentence.polarity
    hand = {"polarity": answer.polarity, "laterality": answer.laterality, "progression": answer.progression}
    return replace(
        sentence,
        polarity=polarity,
        laterality=answer.laterality or sentence.laterality,
        progression=answer.progression or sentence.progression,
        boxes=_placed(polarity, sentence.boxes),
        derived=tuple(name for name in sentence.derived if hand.get(name) is None),
    )


def _given(reason: Reason | None, word: str) -> Reason:
    if reason is None:
        msg = f"not stored yet: say why it is {word}"
        raise IncompleteAnswerError(msg)
    return reason


def _reason_of(decision: Decision, before: GroundedSentence, *, after: GroundedSentence, answer: Answer) -> Reason:
    """The reason; a rewording needs none beside "style", a correction needs one that is not "style"."""
    if decision is Decision.REWORDED:
        return answer.reason or Reason.STYLE_ONLY
    if answer.reason in (None, Reason.STYLE_ONLY):
        facts = ", ".join(changed_facts(before, after))
        msg = f"this edit changes {facts}, so it counts as a correction: say why"
        raise IncompleteAnswerError(msg)
    return _given(answer.reason, "corrected")
