"""What opens below a sentence on one press: where the model looked, the draft without an input, the numbers.

HTML of ours from measured evidence; text from models and notes is escaped. The picture itself is the image panel's.
"""

from __future__ import annotations

from collections.abc import Sequence

from cases.evidence import SentenceEvidence
from dashboard.evidence_words import (
    HEATMAP,
    INPUT_HEADING,
    NEEDS,
    NO_HEATMAP,
    NO_REDRAFT,
    NONE_GIVEN,
    NOT_MEASURED,
    confidence_number,
    decimal,
    nats,
    percent,
    rule_name,
    trigger_number,
)
from dashboard.markup import plain
from grounding.attribution import Attribution, EvidenceInput
from grounding.confidence import Confidence
from grounding.rationale import NOTES, shares
from grounding.redraft import RedraftChange, SentenceChange
from grounding.triggers import Trigger


def looked_html(evidence: SentenceEvidence) -> str:
    """What the heatmap over the image shows, or that there is none."""
    if evidence.heatmap is None:
        return f'<div class="or-sure">{plain(NO_HEATMAP)}</div>'
    return f'<div class="or-sure">{plain(HEATMAP)} Method: {plain(evidence.heatmap.method.replace("_", " "))}.</div>'


def redrafts_html(evidence: SentenceEvidence) -> str:
    """What becomes of the sentence when notes and values, and when the images, are left out."""
    given = None if evidence.attribution is None else frozenset(evidence.attribution.inputs)
    return (
        _redraft("Without notes and values", evidence.without_notes, _why_not(given, NOTES))
        + _redraft("Without the images", evidence.without_image, _why_not(given, frozenset(EvidenceInput) - NOTES))
        + '<div class="or-sure">The whole draft was written again so.</div>'
    )


def numbers_html(evidence: SentenceEvidence, triggers: Sequence[Trigger]) -> str:
    """Every number behind the words of a card, as a table."""
    rows = (
        *_confidence_rows(evidence.confidence),
        ("Words that stand in a prior note", _maybe_percent(evidence.copied_share)),
        *((f"Rule {rule_name(one)}", trigger_number(one)) for one in triggers),
    )
    body = "".join(f"<tr><th scope='row'>{plain(name)}</th><td>{plain(value)}</td></tr>" for name, value in rows)
    return f'{_inputs_table(evidence.attribution)}<table class="or-facts"><tbody>{body}</tbody></table>'


def change_words(change: SentenceChange) -> str:
    """One change as HTML: what it is, and what the other draft says instead.

    >>> change_words(SentenceChange(RedraftChange.POLARITY, 0, "Nodule.", "No nodule."))
    'Flips: it says instead “No nodule.”'
    """
    said = f"“{plain(change.after)}”" if change.after is not None else ""
    match change.change:
        case RedraftChange.APPEARS:
            return f"Appears: {said}"
        case RedraftChange.DISAPPEARS:
            return "Disappears: nothing of it is drafted."
        case RedraftChange.POLARITY:
            return f"Flips: it says instead {said}"
        case RedraftChange.LATERALITY:
            return f"Changes side: {said}"
        case RedraftChange.PROGRESSION:
            return f"Changes what it says of the course: {said}"
        case RedraftChange.LOCATION:
            return f"Changes place: {said}"


def _why_not(given: frozenset[EvidenceInput] | None, left_out: frozenset[EvidenceInput]) -> str:
    """Why there is no redraft without these, where there is none."""
    return NO_REDRAFT if given is None or given & left_out else NONE_GIVEN


def _redraft(heading: str, changes: Sequence[SentenceChange] | None, why_not: str) -> str:
    if changes is None:
        told = plain(f"{why_not}.")
    elif not changes:
        told = "Stands unchanged."
    else:
        told = "<br>".join(change_words(change) for change in changes)
    return f'<div class="or-sign"><b>{plain(heading)}:</b> {told}</div>'


def _inputs_table(attribution: Attribution | None) -> str:
    if attribution is None:
        return ""
    parts = zip(attribution.inputs, attribution.shapley, shares(attribution), attribution.without, strict=True)
    rows = "".join(
        f"<tr><th scope='row'>{plain(INPUT_HEADING[name])}</th><td>{nats(value)}</td><td>{percent(share)}</td>"
        f"<td>{nats(lost)}</td></tr>"
        for name, value, share, lost in parts
    )
    heads = ("Input", "Shapley value", "Share", "Lost when left out alone")
    return (
        '<table class="or-facts"><thead><tr>'
        + "".join(f"<th scope='col'>{plain(head)}</th>" for head in heads)
        + f"</tr></thead><tbody>{rows}</tbody></table>"
        f'<div class="or-sure">Natural log-probability of the sentence: {decimal(attribution.full)} with all inputs, '
        f"{decimal(attribution.empty)} with none, over {attribution.coalitions} sets of inputs.</div>"
    )


def _confidence_rows(confidence: Confidence | None) -> tuple[tuple[str, str], ...]:
    if confidence is None:
        return (("Confidence", NOT_MEASURED),)
    return (
        ("Confidence", "; ".join(filter(None, (confidence_number(confidence), confidence.calibrated_on)))),
        ("Calibration", confidence.calibrator_id or NOT_MEASURED),
        ("A further look", NEEDS[confidence.needs]),
    )


def _maybe_percent(share: float | None) -> str:
    return NOT_MEASURED if share is None else percent(share)
