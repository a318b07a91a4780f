"""The words of the evidence beside a sentence: inputs, actions, sources, numbers on demand. No markup, no rules.

What was not measured is said to be so with the likeliest reason; it is never an empty place and never zero.
"""

from __future__ import annotations

from typing import Final

from cases.evidence import SentenceEvidence
from grounding.attribution import EvidenceInput
from grounding.confidence import Confidence, ConfidenceSet
from grounding.rationale import Rationale, rationale
from grounding.report import GroundedSentence
from grounding.triggers import Action, Comparison, Trigger

NOT_MEASURED: Final = "not measured"
NO_EVIDENCE: Final = (
    "the store holds none for this draft. It was drafted before evidence was kept, or measuring it failed. "
    "Draft the case again to have it measured."
)
NO_ATTRIBUTION: Final = "Inputs not measured: the model could not score this sentence with inputs left out."
NO_CONFIDENCE: Final = "the model gives no score for this sentence"
NO_CALIBRATION: Final = "its score has no calibration that covers this sentence"
NO_HEATMAP: Final = "Where it looked: not measured. There is no image, or the model gives no map that can be believed."
NO_REDRAFT: Final = "not measured: it was not drafted again so"
NONE_GIVEN: Final = "the model was given none, so that the draft stands as it is"
HEATMAP: Final = (
    "The image shows where the model looked for this sentence: the warmer, the more the sentence leans on that place. "
    "Hatched: never seen by the model. It shows what was used, not that the sentence is right."
)

INPUT_HEADING: Final = {
    EvidenceInput.CURRENT_IMAGE: "Image",
    EvidenceInput.PRIOR_IMAGE: "Prior image",
    EvidenceInput.PRIOR_REPORT: "Prior report",
    EvidenceInput.CLINICAL_NOTES: "Notes",
    EvidenceInput.STRUCTURED_VALUES: "Values",
}
ACTION: Final = {
    Action.INFORM: "For information",
    Action.SECONDARY_REVIEW: "Second reader asked",
    Action.BLOCK: "Second reader must sign",
}
NEEDS: Final = {
    ConfidenceSet.ACCEPT: "none asked by the conformal rule",
    ConfidenceSet.REVIEW: "asked by the conformal rule",
    None: NOT_MEASURED,
}
COMPARISON: Final = {
    Comparison.BELOW: "below",
    Comparison.AT_MOST: "at most",
    Comparison.AT_LEAST: "at least",
    Comparison.ABOVE: "above",
}
SOURCE: Final = {
    "indication": "the indication",
    "value": "a structured value",
    "header": "the image's header",
    "image": "the image itself, burned into its pixels",
}


def percent(share: float) -> str:
    """A share in whole percent, with its sign where it is negative.

    >>> percent(0.744), percent(-0.256)
    ('74 %', '\u221226 %')
    """
    return f"{100 * share:.0f} %".replace("-", "\N{MINUS SIGN}")


def decimal(value: float) -> str:
    """A number to two places.

    >>> decimal(-4.0)
    '\u22124.00'
    """
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def nats(value: float) -> str:
    """Nats with their sign.

    >>> nats(2.314), nats(-0.5)
    ('+2.31 nats', '\u22120.50 nats')
    """
    return f"{value:+.2f} nats".replace("-", "\N{MINUS SIGN}")


def source_words(source: str) -> str:
    """Where an instruction stood; a note by its id.

    >>> source_words("n2"), source_words("header")
    ('note n2', "the image's header")
    """
    return SOURCE.get(source, f"note {source}")


def rule_name(trigger: Trigger) -> str:
    """A trigger's rule, as the protocol file names it."""
    return f"{trigger.rule_id}@{trigger.version}"


def trigger_number(trigger: Trigger) -> str:
    """What made the rule fire, as a number.

    >>> from grounding.triggers import FactName
    >>> trigger_number(Trigger("low", 1, Action.INFORM, "r", FactName.LOW_CONFIDENCE, 0.3, Comparison.BELOW, 0.5))
    'low confidence 0.3, rule: below 0.5'
    """
    name = trigger.fact.value.replace("_", " ")
    return f"{name} {trigger.value:.3g}, rule: {COMPARISON[trigger.comparison]} {trigger.threshold:.3g}"


def confidence_number(confidence: Confidence) -> str:
    """The number behind a confidence word.

    >>> confidence_number(Confidence(-1.25, "yes_no", 0.8, "fit", None))
    '0.80 calibrated; raw score \u22121.250 (yes no)'
    >>> confidence_number(Confidence(2.0, "yes_no", None, None, None))
    'not calibrated; raw score 2.000 (yes no)'
    """
    worth = "not calibrated" if confidence.calibrated is None else f"{confidence.calibrated:.2f} calibrated"
    raw = f"{confidence.raw:.3f}".replace("-", "\N{MINUS SIGN}")
    return f"{worth}; raw score {raw} ({confidence.method.replace('_', ' ')})"


def rationale_of(sentence: GroundedSentence, evidence: SentenceEvidence) -> Rationale:
    """The rationale's two lines on a drafted sentence, from all that was measured of it."""
    return rationale(
        sentence,
        attribution=evidence.attribution,
        without_notes=evidence.without_notes,
        conflicts=evidence.conflicts,
        confidence=evidence.confidence,
        violations=evidence.violations,
    )
