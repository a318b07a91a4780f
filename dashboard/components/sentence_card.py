"""One drafted sentence as a card: the AI's words, its evidence, the reader's decision, and when it was stored.

The card collects an answer and hands it to `cases.answer`, which says what it counts as; it decides nothing itself.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from cases.answer import Choice, IncompleteAnswerError, reviewed
from cases.review import Decision, SentenceReview
from cases.store.errors import StoreError
from dashboard import desk as desks
from dashboard import state
from dashboard.components.answer_fields import answer_of, correct_fields, reword_fields
from dashboard.components.evidence import sentence_evidence
from dashboard.components.sentence_text import facts_line, said, select_button
from dashboard.desk import Desk
from dashboard.identity import may_sign
from dashboard.markup import plain
from dashboard.words import DECISION, clock
from grounding.report import GroundedSentence

CHOICES = {Choice.KEEP: "Keep", Choice.REWORD: "Reword", Choice.CORRECT: "Correct", Choice.DELETE: "Delete"}
PRESSED = {
    Decision.KEPT: Choice.KEEP,
    Decision.REWORDED: Choice.REWORD,
    Decision.CORRECTED: Choice.CORRECT,
    Decision.DELETED: Choice.DELETE,
}


def sentence_card(index: int, sentence: GroundedSentence, *, desk: Desk) -> None:
    """Draw one drafted sentence with its decision."""
    stored = desk.decisions.get(index)
    lit = index == state.selected()
    with st.container(border=True, key=f"card_{index}"):
        _head(index, sentence, lit=lit)
        said(sentence, author="ai", struck=stored is not None and stored.decision is not Decision.KEPT)
        if stored is not None and stored.after is not None and stored.after != sentence:
            said(stored.after, author="human", struck=False)
        sentence_evidence(index, sentence, desk=desk)
        _decision(index, sentence, desk=desk)
        _stored_line(index, desk)


def _head(index: int, sentence: GroundedSentence, *, lit: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"head_{index}"):
        select_button(index, lit=lit)
        st.html(facts_line(sentence, author="ai", lit=lit))


def _decision(index: int, sentence: GroundedSentence, *, desk: Desk) -> None:
    key = partial(state.widget_key, index=index, review_id=desk.reading.review_id)
    stored = desk.decisions.get(index)
    if key("choice") not in st.session_state and stored is not None:
        st.session_state[key("choice")] = PRESSED.get(stored.decision)
    store = partial(_store, index, sentence, desk)
    choice = st.segmented_control(
        f"Decision on sentence {index + 1}",
        list(CHOICES),
        format_func=CHOICES.__getitem__,
        key=key("choice"),
        label_visibility="collapsed",
        disabled=not may_sign(desk.reader),
        on_change=store,
    )
    if choice is Choice.REWORD:
        reword_fields(index, sentence, stored=stored, review_id=desk.reading.review_id, on_change=store)
    elif choice in (Choice.CORRECT, Choice.DELETE):
        correct_fields(index, sentence, stored=stored, review_id=desk.reading.review_id, choice=choice, on_change=store)


def _store(index: int, sentence: GroundedSentence, desk: Desk) -> None:
    """Store what the card says now, or remember in words why it cannot be stored yet."""
    review_id = desk.reading.review_id
    answer = answer_of(index, sentence, review_id=review_id)
    todo = state.widget_key("todo", index, review_id=review_id)
    st.session_state[state.Key.SELECTED] = index
    review: SentenceReview | None = None
    st.session_state[todo] = ""
    try:
        if answer is not None:
            review = reviewed(index, sentence, answer=answer, notes=desk.notes)
    except IncompleteAnswerError as error:
        st.session_state[todo] = str(error)
    # An answer that is not complete takes back the one before it: what is signed is what the screen shows.
    if review is None and index not in desk.decisions:
        return
    try:
        desks.save(desk, index, review)
    except (StoreError, desks.NotAllowedError) as error:
        st.session_state[todo] = f"not stored: {error}"


def _stored_line(index: int, desk: Desk) -> None:
    saved = desk.saved.get(index)
    todo = st.session_state.get(state.widget_key("todo", index, review_id=desk.reading.review_id), "")
    if todo:
        st.html(f'<div class="or-todo">{plain(todo)}</div>')
    elif saved is not None:
        word = DECISION[saved.review.decision]
        st.html(f'<div class="or-stored">{word} · stored {clock(saved.recorded)} UTC, seq {saved.sequence}</div>')
