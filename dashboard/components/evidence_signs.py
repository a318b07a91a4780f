"""The signs beside a sentence: its confidence word, conflicts with both statements, triggers, broken rules, copying.

Each is a line that says in words what it is; the colour of its rim repeats it. All text from notes, models and rules
passes `dashboard.markup`. Only what is the case is drawn here; what was not measured is said by who draws the card.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cases.evidence import SentenceEvidence
from dashboard.evidence_words import (
    ACTION,
    NO_CALIBRATION,
    NO_CONFIDENCE,
    confidence_number,
    percent,
    rule_name,
    trigger_number,
)
from dashboard.markup import chip, plain
from grounding.check import Violation
from grounding.confidence import Confidence, ConfidenceSet
from grounding.conflict import Conflict
from grounding.rationale import CONFLICT_WORDS
from grounding.triggers import Action, Trigger

MOST_NUMBERS = 5  # of one rule's triggers, in a title
MOSTLY_COPIED = 0.5  # share of a sentence's words from which it is marked as copied forward
KIND = {Action.INFORM: "plain", Action.SECONDARY_REVIEW: "warn", Action.BLOCK: "bad"}


def trust_html(trust: str, confidence: Confidence | None) -> str:
    """The rationale's second line, its confidence word as a chip, always beside what the word was calibrated on.

    Args:
        trust: of `grounding.rationale`; begins with the word where there is one.
        confidence: of the sentence; the number stands in the title.
    """
    if confidence is None:
        return f"<div>{plain(trust)} <small>{plain(NO_CONFIDENCE)}</small></div>"
    title = plain(confidence_number(confidence))
    if confidence.word is None or confidence.calibrated_on is None:
        return f'<div title="{title}">{plain(trust)} <small>{plain(NO_CALIBRATION)}</small></div>'
    word = trust[: len(confidence.word)]
    rest = trust[len(word) :].lstrip(".,; ")
    kind = "warn" if confidence.needs is ConfidenceSet.REVIEW else "plain"
    chosen = chip(word, kind)
    return f'<div title="{title}">{chosen}{plain(rest)} <small>{plain(confidence.calibrated_on)}</small></div>'


def signs_html(evidence: SentenceEvidence, triggers: Iterable[Trigger]) -> str:
    """All signs of a sentence, what weighs most first; "" where there is none."""
    asked = tuple(triggers)
    return "".join(
        (
            *(conflict_html(one) for one in evidence.conflicts or ()),
            *(
                trigger_html(one)
                for action in (Action.BLOCK, Action.SECONDARY_REVIEW)
                for one in asked
                if one.action is action
            ),
            *(_violation(one) for one in evidence.violations),
            _copied(evidence.copied_share),
            informing_html(asked),
        )
    )


def sign(heading: str, body: str, *, kind: str = "plain", title: str = "") -> str:
    """One sign: a heading in words and what it is about; `body` is HTML of ours, the rest is text.

    >>> sign("Conflict", plain("<b>"), kind="bad")
    '<div class="or-sign or-bad"><b>Conflict</b> &lt;b&gt;</div>'
    """
    told = f' title="{plain(title)}"' if title else ""
    return f'<div class="or-sign or-{kind}"{told}><b>{plain(heading)}</b> {body}</div>'


def conflict_html(conflict: Conflict) -> str:
    """What the image says alone beside what the note says."""
    where = f" ({plain(conflict.citation.note_id)})" if conflict.citation is not None else ""
    body = f"<br>Image alone: “{plain(conflict.image_says)}”<br>Note{where}: “{plain(conflict.note_says)}”"
    return sign(f"Conflict on {CONFLICT_WORDS[conflict.kind]}", body, kind="bad")


def trigger_html(trigger: Trigger) -> str:
    """A trigger: what it asks for, why, and by which rule; its value in the title."""
    body = f"{plain(trigger.reason)} <code>{plain(rule_name(trigger))}</code>"
    return sign(f"{ACTION[trigger.action]}:", body, kind=KIND[trigger.action], title=trigger_number(trigger))


def informing_html(triggers: Sequence[Trigger]) -> str:
    """The triggers that only inform, in one line, each rule once; "" where there is none."""
    by_rule: dict[str, list[Trigger]] = {}
    for one in triggers:
        if one.action is Action.INFORM:
            by_rule.setdefault(rule_name(one), []).append(one)
    told = [_informing(name, found) for name, found in by_rule.items()]
    return sign(f"{ACTION[Action.INFORM]}:", " ".join(told)) if told else ""


def _informing(name: str, found: Sequence[Trigger]) -> str:
    numbers = "; ".join(trigger_number(one) for one in found[:MOST_NUMBERS])
    times = f" ({len(found)} times)" if len(found) > 1 else ""
    return f'<span title="{plain(numbers)}">{plain(found[0].reason)}{times} <code>{plain(name)}</code></span>'


def _violation(violation: Violation) -> str:
    body = f"{plain(violation.message)} <code>{plain(violation.rule.value)}</code>"
    return sign("Breaks a rule:", body, kind="warn")


def _copied(share: float | None) -> str:
    if share is None or share < MOSTLY_COPIED:
        return ""
    return sign("Copied forward:", f"{percent(share)} of its words stand so in a prior note.")
