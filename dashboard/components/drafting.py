"""Drafting on the pages: the button that asks for a draft, the one that cancels it, and what is said meanwhile.

Nothing here waits: a part of the page that shows a job refreshes itself while the job is live, and only then.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import ParamSpec

import streamlit as st

from cases.store.errors import StoreError
from dashboard import desk as desks
from dashboard import resources, state
from dashboard.desk import Desk, load_desk
from dashboard.drafting import DraftingDesk, DraftingNotAllowedError
from dashboard.identity import Person, may_draft
from dashboard.markup import chip, plain
from dashboard.state import OpenReading
from dashboard.words import clock, draft_words, job_words
from dashboard.worklist_rows import offer_of
from vlm.drafting_job import Job, NotRecordedError, QueueClosedError, Queued, QueueFullError, UnknownJobError

P = ParamSpec("P")
REFRESH = timedelta(seconds=2)
TODO = "drafting.todo"
REFUSALS = (
    DraftingNotAllowedError,
    QueueFullError,
    QueueClosedError,
    UnknownJobError,
    NotRecordedError,
    StoreError,
)


def drawn(part: Callable[P, None], *, every: timedelta | None) -> Callable[P, None]:
    """The part, drawn again by itself at that interval; drawn with its page when there is none.

    While nothing is in line a press thus runs the page once, with the interval that follows from it.
    """
    return part if every is None else st.fragment(part, run_every=every)


def refresh() -> timedelta | None:
    """How often a part that shows jobs is drawn again: not at all when nothing is in line."""
    return REFRESH if resources.drafting().busy else None


def draft_button(case_id: str, *, offer: str | None, job: Job | None, reader: Person | None) -> None:
    """The one thing that can be asked here: a draft, or its cancellation; nothing for those who may ask neither."""
    if reader is None or not may_draft(reader) or resources.drafting().queue is None:
        return
    if job is not None and job.live:
        ask = partial(_cancel, job.job_id, reader)
        st.button("Cancel drafting", key=f"cancel_{case_id}", type="tertiary", icon=":material/close:", on_click=ask)
    elif offer is not None:
        ask = partial(_request, case_id, reader)
        st.button(offer, key=f"draft_{case_id}", icon=":material/edit_note:", on_click=ask)


def say_line(desk: DraftingDesk) -> None:
    """One line above the worklist, always there: what is being drafted, or that this server serves review only."""
    states = [job.state for job in desk.jobs.values() if job.live]
    if desk.queue is None:
        line = f'<span class="or-note">{plain(desk.why_not)}</span>'
    elif states:
        waiting = sum(isinstance(one, Queued) for one in states)
        words = f"{len(states) - waiting} being drafted, {waiting} in line. This list refreshes itself meanwhile."
        line = f"{chip('Drafting', 'warn')} {plain(words)}"
    else:
        line = '<span class="or-note">Nothing is being drafted.</span>'
    st.html(f'<div class="or-cell or-line">{line}</div>')  # there in every state: no row moves under a press


def say_refusal() -> None:
    """Why the last press asked for nothing, until the next press."""
    if st.session_state.get(TODO):
        st.html(f'<div class="or-todo" role="alert">{plain(st.session_state[TODO])}</div>')


def _request(case_id: str, reader: Person) -> None:
    st.session_state[TODO] = ""
    try:
        resources.drafting().request(case_id, reader=reader, store=resources.store())
    except REFUSALS as error:
        st.session_state[TODO] = str(error)


def _cancel(job_id: str, reader: Person) -> None:
    st.session_state[TODO] = ""
    try:
        resources.drafting().cancel(job_id, reader=reader)
    except REFUSALS as error:
        st.session_state[TODO] = str(error)


def drafting_notice(reading: OpenReading, reader: Person) -> None:
    """Above the report: that the case is being drafted, or that a draft came in; refreshes itself while it is."""
    job = resources.drafting().jobs.get(reading.case_id)
    every = REFRESH if job is not None and job.live else None
    drawn(_notice, every=every)(reading, reader, every)


def _notice(reading: OpenReading, reader: Person, every: timedelta | None) -> None:
    desk = load_desk(reading, reader)
    job = resources.drafting().jobs.get(reading.case_id)
    if job is not None and job.live:
        _say_job(job)
    elif desk.newer is not None:
        _say_newer(desk)
    elif job is not None and (words := job_words(job, now=resources.utc_now())):
        st.html(f'<div class="or-note">{plain(words)}</div>')
    offer = offer_of(desk.case, draft=desk.newer or desk.draft, job=job) if desk.signed is None else None
    draft_button(reading.case_id, offer=offer, job=job, reader=reader)
    say_refusal()
    live = job is not None and job.live
    if live != (every is not None) or state.reading() != reading:
        state.keep_quiet()
        st.rerun(scope="app")  # to begin or to end refreshing, or to show the draft that was turned to


def _say_job(job: Job) -> None:
    words = job_words(job, now=resources.utc_now())
    st.html(
        f'<div class="or-cell">{chip("In line", "warn")} {plain(words)}.<small>You can read and write meanwhile: '
        "nothing on this page changes by itself.</small></div>"
    )


def _say_newer(desk: Desk) -> None:
    """A newer draft replaces nothing silently: say that it is there, and let the reader turn to it."""
    newer = desk.newer
    if newer is None:
        return
    which = "A draft" if desk.draft is None else "A newer draft"
    came = f"{which} came in at {clock(newer.created)} UTC ({draft_words(newer)})."
    if desk.signed is not None:
        st.html(f'<div class="or-note">{plain(came)} The signed report is not changed by it.</div>')
        return
    here = "without a draft" if desk.draft is None else f"the draft of {clock(desk.draft.created)} UTC"
    then = "To sign, turn to it first. " if desk.must_turn else ""
    with st.container(border=True, key="newer_draft"):
        st.html(
            f'<div class="or-cell">{chip("New", "warn")} {plain(came)} You still read {here}.<small>{then}'
            "Sentences that you added come along; decisions on drafted sentences stay with their draft.</small></div>"
        )
        st.button("Turn to that draft", on_click=partial(_turn, desk), key="turn_to_newer")


def _turn(desk: Desk) -> None:
    try:
        desks.turn_to_newer(desk)
    except StoreError as error:
        st.session_state[TODO] = str(error)
