"""The reader's own sentences: those added so far, each to be taken back, and a form for one more."""

from __future__ import annotations

from functools import partial

import streamlit as st

from cases.answer import IncompleteAnswerError, added
from cases.review import Reason
from cases.store.errors import StoreError
from dashboard import desk as desks
from dashboard import state
from dashboard.components.sentence_text import facts_line, said, select_button
from dashboard.desk import Desk
from dashboard.identity import may_sign
from dashboard.markup import plain
from dashboard.words import clock


def additions(desk: Desk) -> None:
    """Draw the reader's own sentences and the form to add one."""
    for index in desk.additions:
        _added_card(index, desk)
    if may_sign(desk.reader):
        _form(desk)


def _added_card(index: int, desk: Desk) -> None:
    sentence, saved = desk.decisions[index].after, desk.saved[index]
    if sentence is None:
        return
    with st.container(border=True, key=f"card_{index}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            lit = index == state.selected()
            select_button(index, lit=lit)
            st.html(facts_line(sentence, author="human", lit=lit))
        said(sentence, author="human", struck=False)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Take back", key=f"back_{index}", on_click=partial(_take_back, desk, index), type="tertiary")
            st.html(f'<div class="or-stored">Added · stored {clock(saved.recorded)} UTC, seq {saved.sequence}</div>')


def _form(desk: Desk) -> None:
    todo = state.widget_key("todo", -1, review_id=desk.reading.review_id)
    drawn = state.drawn_box()
    with st.form("reading.add", clear_on_submit=True, border=True):
        text = st.text_area("Add a sentence of your own", height=80, max_chars=2000, key="reading.add.text")
        place = "with the box you drew" if drawn else "without a box (draw one on the image first to give it a place)"
        st.caption(f"It will be added {place}.")
        if st.form_submit_button("Add sentence", icon=":material/add:"):
            _add(desk, text or "", todo)
            st.rerun()
    if st.session_state.get(todo):
        st.html(f'<div class="or-todo">{plain(st.session_state[todo])}</div>')


def _add(desk: Desk, text: str, todo: str) -> None:
    index = max((len(desk.drafted) - 1, *desk.saved)) + 1
    drawn = state.drawn_box()
    boxes = () if drawn is None else (drawn,)
    try:
        desks.save(desk, index, added(index, text, boxes=boxes, reason=Reason.MISSED_FINDING, notes=desk.notes))
        st.session_state[todo] = ""
        state.keep_drawn(None)
    except (IncompleteAnswerError, StoreError, desks.NotAllowedError) as error:
        st.session_state[todo] = f"not added: {error}"


def _take_back(desk: Desk, index: int) -> None:
    try:
        desks.save(desk, index, None)
    except (StoreError, desks.NotAllowedError) as error:
        st.session_state[state.widget_key("todo", -1, review_id=desk.reading.review_id)] = str(error)
