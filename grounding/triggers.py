"""From facts about a draft to the triggers that ask for a second look, by written rules. Pure; it measures nothing.

The rules themselves are data: a protocol file states them (`cases.protocol`), with an id, a version, a threshold and
an action, so that a trigger can be held against the rule that raised it for as long as it is kept. What was not
measured is no fact, and raises nothing. Not here: how a fact is measured, and what a blocking trigger blocks
(`cases.store`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What a trigger asks for: to be read, a second reader's look, or a second reader's signature before *final*."""

    INFORM = "inform"
    SECONDARY_REVIEW = "secondary_review"
    BLOCK = "block"


class FactName(StrEnum):
    """What a rule can be about; the closed list of what is measured of a draft, with the meaning of its value."""

    LOW_CONFIDENCE = "low_confidence"  # the sentence's calibrated probability, 0 to 1
    CONFORMAL_REVIEW = "conformal_review"  # 1 where the conformal rule picks the sentence for a look, else 0
    CONFIDENCE_NOT_MEASURED = "confidence_not_measured"  # how many sentences have no calibrated probability
    CONFLICT = "conflict"  # how many conflicts between image and notes the sentence is in
    MISSING_INPUT = "missing_input"  # how many missing inputs the sentence relies on
    UNLIKE_TRAINING = "unlike_training"  # how unlike the training images; 1 and more is unlike (`vlm.unlike_training`)
    CRITICAL_FINDING = "critical_finding"  # 1 where the sentence states the finding, 0.5 where it is unsure of it
    VIOLATION = "violation"  # how many rules of `grounding.check` the sentence breaks
    QUANTIZATION_DISAGREEMENT = "quantization_disagreement"  # how many sentences differ between quantizations
    PRIOR_NOT_USED = "prior_not_used"  # how many prior notes the model was not given
    INJECTED_INSTRUCTIONS = "injected_instructions"  # how many instructions stand in notes, values, header or image
    COPIED_TEXT = "copied_text"  # share of the text that was copied from an earlier note, 0 to 1
    CONTRADICTORY_NOTES = "contradictory_notes"  # how many contradictions the notes hold among themselves


class Comparison(StrEnum):
    """How a fact's value is held against a rule's threshold."""

    BELOW = "below"
    AT_MOST = "at_most"
    AT_LEAST = "at_least"
    ABOVE = "above"

    def holds(self, value: float, threshold: float) -> bool:
        """Whether the value stands to the threshold as this says.

        >>> Comparison.AT_LEAST.holds(1.0, 1.0), Comparison.BELOW.holds(0.5, 0.5)
        (True, False)
        """
        return {
            Comparison.BELOW: value < threshold,
            Comparison.AT_MOST: value <= threshold,
            Comparison.AT_LEAST: value >= threshold,
            Comparison.ABOVE: value > threshold,
        }[self]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was measured of a draft.

    Attributes:
        value: finite; what it counts or measures is said at `FactName`.
        sentence: index of the drafted sentence it is about, None for the draft as a whole.
        detail: which finding, note or rule it is about, as a code or an id; never a quotation.
    """

    name: FactName
    value: float
    sentence: int | None = None
    detail: str = ""

    def __post_init__(self) -> None:
        """Refuse a value that no threshold can be held against."""
        if not math.isfinite(self.value):
            msg = f"a fact is a finite number; what was not measured is no fact: {self.name} is {self.value}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class TriggerRule:
    """One written rule.

    Attributes:
        rule_id, version: a rule that comes to mean something else gets a new version.
        fact, comparison, threshold: it fires where the fact's value stands so to the threshold.
        reason: for the reader, in words.
        only: the details it is about, for example findings; empty for all.
    """

    rule_id: str
    version: int
    fact: FactName
    comparison: Comparison
    threshold: float
    action: Action
    reason: str
    only: tuple[str, ...] = ()

    def fires_on(self, fact: Fact) -> bool:
        """Whether this fact is one that the rule is about, beyond its threshold."""
        about = fact.name is self.fact and (not self.only or fact.detail in self.only)
        return about and self.comparison.holds(fact.value, self.threshold)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A rule that fired, with the value that made it fire; kept with the draft, whatever the rules say later.

    Attributes:
        rule_id, version, fact, comparison, threshold, action, reason: of the rule, as it was then.
        value: of the fact.
        sentence: index of the drafted sentence, None for the draft as a whole.
        detail: of the fact.
    """

    rule_id: str
    version: int
    action: Action
    reason: str
    fact: FactName
    value: float
    comparison: Comparison
    threshold: float
    sentence: int | None = None
    detail: str = ""


def triggered(facts: Iterable[Fact], rules: Iterable[TriggerRule]) -> tuple[Trigger, ...]:
    """What the rules make of the facts: for each rule in order, its triggers in the order of the facts.

    >>> rule = TriggerRule("low", 1, FactName.LOW_CONFIDENCE, Comparison.BELOW, 0.5, Action.INFORM, "It is not sure.")
    >>> facts = [Fact(FactName.LOW_CONFIDENCE, value, sentence) for sentence, value in enumerate((0.9, 0.3))]
    >>> [(trigger.rule_id, trigger.sentence, trigger.value) for trigger in triggered(facts, [rule])]
    [('low', 1, 0.3)]
    """
    known = tuple(facts)
    return tuple(_trigger(rule, fact) for rule in rules for fact in known if rule.fires_on(fact))


def strongest(triggers: Iterable[Trigger]) -> Action | None:
    """The most that the triggers ask for, None when there are none.

    >>> strongest([]) is None
    True
    """
    asked = {trigger.action for trigger in triggers}
    return next((action for action in reversed(Action) if action in asked), None)


def _trigger(rule: TriggerRule, fact: Fact) -> Trigger:
    return Trigger(
        rule_id=rule.rule_id,
        version=rule.version,
        action=rule.action,
        reason=rule.reason,
        fact=rule.fact,
        value=float(fact.value),
        comparison=rule.comparison,
        threshold=float(rule.threshold),
        sentence=fact.sentence,
        detail=fact.detail,
    )
