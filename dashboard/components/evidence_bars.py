"""A bar per input beside a sentence: its share of what moved the sentence's probability, with the word that says so.

Always five columns in one order, so that the eye can run down a column over all sentences. The number stands in the
title and in the table of numbers. An input that was not given has a dashed line and says so: it is not a bar of zero.
"""

from __future__ import annotations

from dashboard.evidence_words import INPUT_HEADING, NO_ATTRIBUTION, nats, percent
from dashboard.markup import plain
from grounding.attribution import Attribution, EvidenceInput
from grounding.rationale import Weight, shares, weight


def bars_html(attribution: Attribution | None, *, sentence: int) -> str:
    """The five bars of a sentence; words where nothing was measured.

    Args:
        attribution: of the sentence; None where it was not measured.
        sentence: its index, for the label that a screen reader speaks.
    """
    if attribution is None:
        return f'<div class="or-sure">{plain(NO_ATTRIBUTION)}</div>'
    parts = dict(zip(attribution.inputs, shares(attribution), strict=True))
    given = dict(zip(attribution.inputs, attribution.shapley, strict=True))
    cells = "".join(
        _bar(name, parts[name], given[name]) if name in parts else _not_given(name) for name in EvidenceInput
    )
    label = f"How much each input speaks for sentence {sentence + 1}"
    return f'<div class="or-bars" role="group" aria-label="{plain(label)}">{cells}</div>'


def _bar(name: EvidenceInput, share: float, value: float) -> str:
    heading, word = INPUT_HEADING[name], weight(share)
    number = f"{heading}: {word.value}, {percent(share)} of what moved it, {nats(value)}"
    against = " or-against" if word is Weight.AGAINST else ""
    return (
        f'<div class="or-input" role="img" aria-label="{plain(number)}" title="{plain(number)}"><b>{plain(heading)}</b>'
        f'<span class="or-track{against}"><i style="width:{100 * abs(share):.0f}%"></i></span>{word.value}</div>'
    )


def _not_given(name: EvidenceInput) -> str:
    heading = INPUT_HEADING[name]
    words = f"{heading}: not given to the model"
    return (
        f'<div class="or-input" role="img" aria-label="{plain(words)}" title="{plain(words)}"><b>{plain(heading)}</b>'
        f'<span class="or-track or-none"></span>not given</div>'
    )
