"""The evidence beside one drafted sentence: why it stands there, bars, confidence, signs, and what opens on a press.

It draws what was measured with the draft and stored (`cases.evidence`); it measures nothing. Where there is nothing
stored, or a part was not measured, the card says so in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import partial

import streamlit as st

from cases.evidence import SentenceEvidence
from dashboard import state
from dashboard.components.evidence_bars import bars_html
from dashboard.components.evidence_signs import signs_html, trust_html
from dashboard.components.evidence_views import looked_html, numbers_html, redrafts_html
from dashboard.desk import Desk
from dashboard.evidence_words import rationale_of
from dashboard.markup import plain
from grounding.heatmap import Heatmap
from grounding.report import GroundedSentence
from grounding.triggers import Trigger


class View(StrEnum):
    """What a press on a card opens; the value is the label."""

    LOOKED = "Where it looked"
    REDRAFTS = "Without an input"
    NUMBERS = "Numbers"


def sentence_evidence(index: int, sentence: GroundedSentence, *, desk: Desk) -> None:
    """Draw the evidence of a drafted sentence."""
    evidence = desk.evidence_of(index)
    if evidence is None or desk.evidence is None:
        st.html('<div class="or-sure">Evidence of this sentence: not measured.</div>')
        return
    triggers = desk.evidence.triggers_of(index)
    st.html(
        why_html(sentence, evidence) + bars_html(evidence.attribution, sentence=index) + signs_html(evidence, triggers)
    )
    _opened(index, evidence, triggers, desk=desk)


def why_html(sentence: GroundedSentence, evidence: SentenceEvidence) -> str:
    """The rationale's two lines."""
    lines = rationale_of(sentence, evidence)
    trust = trust_html(lines.trust, evidence.confidence)
    return f'<div class="or-why"><div>{plain(lines.rests_on)}</div>{trust}</div>'


def shown_heatmap(desk: Desk) -> tuple[int, Heatmap] | None:
    """The sentence whose heatmap the reader asked for, with that map; None where none is asked for or measured."""
    for index in range(len(desk.drafted)):
        evidence = desk.evidence_of(index)
        asked = st.session_state.get(_key(index, desk)) == View.LOOKED
        if asked and evidence is not None and evidence.heatmap is not None:
            return index, evidence.heatmap
    return None


def _opened(index: int, evidence: SentenceEvidence, triggers: Sequence[Trigger], *, desk: Desk) -> None:
    with st.container(key=f"opens_{index}"):
        view = st.pills(
            f"Evidence of sentence {index + 1}",
            list(View),
            key=_key(index, desk),
            label_visibility="collapsed",
            on_change=partial(_turn, index, desk),
        )
    match view:
        case View.LOOKED:
            st.html(looked_html(evidence))
        case View.REDRAFTS:
            st.html(redrafts_html(evidence))
        case View.NUMBERS:
            st.html(numbers_html(evidence, triggers))


def _turn(index: int, desk: Desk) -> None:
    """One heatmap at a time lies over the image, and its sentence is the selected one."""
    if st.session_state.get(_key(index, desk)) != View.LOOKED:
        return
    st.session_state[state.Key.SELECTED] = index
    for other in range(len(desk.drafted)):
        if other != index and st.session_state.get(_key(other, desk)) == View.LOOKED:
            st.session_state[_key(other, desk)] = None


def _key(index: int, desk: Desk) -> str:
    return state.widget_key("evidence", index, review_id=desk.reading.review_id)
