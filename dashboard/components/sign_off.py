"""The signature: a form without a default; "signed" is shown only for what the ledger gave back."""

from __future__ import annotations

from functools import partial

import streamlit as st

from cases.answer import IncompleteAnswerError
from cases.review import Review
from cases.store.errors import StoreError
from dashboard import desk as desks
from dashboard import state
from dashboard.components.sentence_text import LIT, said, select_button
from dashboard.desk import Desk
from dashboard.identity import may_sign
from dashboard.markup import chip, plain
from dashboard.words import DECISION, clock
from grounding.report import GroundedSentence

SIGN = "Sign as the final report"
LEAVE = "Leave it unsigned"
TODO = "reading.sign.todo"


def sign_off(desk: Desk) -> None:
    """Draw the form; sign or leave the review as the reader says."""
    if not may_sign(desk.reader):
        st.caption("This role reads and signs nothing.")
        return
    total, left = len(desk.drafted), len(desk.undecided)
    with st.form("reading.sign", border=True):
        st.html(
            f'<div class="or-cell"><b>Sign-off</b><small>{total - left} of {total} drafted sentences decided, '
            f"{len(desk.additions)} added. You sign as {plain(desk.reader.label)}.</small></div>"
        )
        choice = st.radio("What happens to this report?", (SIGN, LEAVE), index=None, key="reading.sign.choice")
        if st.form_submit_button("Submit", type="primary"):
            _submit(desk, choice)
    if st.session_state.get(TODO):
        st.html(f'<div class="or-todo" role="alert">{plain(st.session_state[TODO])}</div>')


def signed_report(desk: Desk, review: Review) -> None:
    """Draw the signed report as it stands in the ledger: the reader's words, whoever wrote them first."""
    st.html(
        f'<div class="or-signed">{chip("Signed", "good")} by {plain(review.reader_id)}, '
        f"{review.signed.date().isoformat()} {clock(review.signed)} UTC, read back from the ledger.</div>"
    )
    for one in review.sentences:
        if one.after is not None:
            _signed_card(one.index, one.after, word=DECISION[one.decision])
    for one in review.sentences:
        if one.after is None and one.before is not None:
            st.html('<span class="or-note">Left out of the report by the reader: </span>')
            said(one.before, author="ai", struck=True)
    if may_sign(desk.reader):
        st.button(
            "Amend this report", on_click=partial(desks.amend, desk), help="The signed report stays in the ledger"
        )


def _signed_card(index: int, sentence: GroundedSentence, *, word: str) -> None:
    lit = index == state.selected()
    with st.container(border=True, key=f"card_{index}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            select_button(index, lit=lit)
            st.html(f"{LIT if lit else ''}{chip(word)}")
        said(sentence, author="human", struck=False)


def _submit(desk: Desk, choice: str | None) -> None:
    if choice is None:
        st.session_state[TODO] = "not signed: choose what happens to this report"
        return
    try:
        if choice == SIGN:
            desks.sign(desk)
        else:
            desks.abandon(desk)
    except (IncompleteAnswerError, StoreError, desks.NotAllowedError, desks.NotReadBackError) as error:
        st.session_state[TODO] = str(error)
        return
    st.session_state[TODO] = ""
    st.rerun(scope="app")
