"""The second read: why a signed report needs another reader, and that reader's word on it; no default is set."""

from __future__ import annotations

import streamlit as st

from cases.review import Reason, Review
from cases.second_read import MOST_WORDS, SecondRead, Verdict
from cases.store.errors import StoreError
from dashboard.desk import Desk, NotAllowedError, NotReadBackError
from dashboard.markup import chip, plain
from dashboard.second_look import read_second, second_look
from dashboard.words import REASON, clock

VERDICT_WORDS = {
    Verdict.AGREE: "I agree with this report as it stands",
    Verdict.DISAGREE: "I disagree: the first reader should amend it",
}
TODO = "reading.second.todo"


def second_read(desk: Desk, review: Review) -> None:
    """Draw what the signed report waits for, and the form for a second reader; nothing where nobody must look."""
    look = second_look(desk, review)
    if look.read is not None:
        _say_read(look.read, waits=bool(look.reasons))
        return
    if not look.reasons:
        return
    reasons = "".join(f"<li>{plain(reason)}</li>" for reason in look.reasons)
    st.html(
        f'<div class="or-todo" role="status">{chip("Preliminary", "warn")} <b>Second read needed</b>: '
        f"not final until another reader agrees.<ul>{reasons}</ul></div>"
    )
    if look.may_read:
        _form(desk, review)
    else:
        st.caption(f"{review.reader_id} signed this report: the second read is another reader's.")
    if st.session_state.get(TODO):
        st.html(f'<div class="or-todo" role="alert">{plain(st.session_state[TODO])}</div>')


def _say_read(read: SecondRead, *, waits: bool) -> None:
    when = f"{read.signed.date().isoformat()} {clock(read.signed)} UTC"
    if read.reason is None:
        st.html(f'<div class="or-signed">{chip("Second read", "good")} {plain(read.reader_id)} agrees, {when}.</div>')
        return
    next_step = " Not final: amend it, and it is read again." if waits else ""
    note = f" “{plain(read.note)}”" if read.note else ""
    st.html(
        f'<div class="or-todo" role="status">{chip("Second read", "bad")} {plain(read.reader_id)} disagrees '
        f"({plain(REASON[read.reason].lower())}), {when}.{note}{next_step}</div>"
    )


def _form(desk: Desk, review: Review) -> None:
    with st.form("reading.second", border=True):
        verdict = st.radio(
            "Your second read",
            list(VERDICT_WORDS),
            format_func=lambda one: VERDICT_WORDS[one],
            index=None,
            key="reading.second.verdict",
        )
        reason = st.selectbox(
            "Why you disagree",
            list(REASON),
            format_func=lambda one: REASON[one],
            index=None,
            key="reading.second.reason",
            placeholder="needed to disagree",
        )
        note = st.text_input("In a few words", max_chars=MOST_WORDS, key="reading.second.note")
        if st.form_submit_button("Sign the second read", type="primary"):
            _submit(desk, review, verdict, reason=reason, note=note)


def _submit(desk: Desk, review: Review, verdict: Verdict | None, *, reason: Reason | None, note: str) -> None:
    if verdict is None:
        st.session_state[TODO] = "not signed: say whether you agree"
        return
    why = reason if verdict is Verdict.DISAGREE else None
    try:
        read_second(desk, review, verdict, reason=why, note=note)
    except (StoreError, NotAllowedError, NotReadBackError, ValueError) as error:
        st.session_state[TODO] = str(error)
        return
    st.session_state[TODO] = ""
    st.rerun(scope="app")
