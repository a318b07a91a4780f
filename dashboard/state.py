"""Every session-state key of the dashboard, with typed getters; it holds ids and times, never cases, drafts or reviews.

What must survive a closed browser is in the store (each decision is saved as it is made); this is only where a reader
looks at the moment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import streamlit as st

from cases.reading_time import Activity
from grounding.box import Box


class Key(StrEnum):
    """The keys this module owns; widgets have keys of their own (`widget_key`)."""

    READER = "identity.reader"
    OPEN = "reading.open"
    ACTIVITY = "reading.activity"
    SELECTED = "reading.selected"
    DRAWN = "reading.drawn"
    ADDITIONS = "reading.additions"
    QUIET = "reading.quiet"
    GO = "worklist.go"


@dataclass(frozen=True, slots=True)
class OpenReading:
    """The case on the screen.

    Attributes:
        case_id, review_id: which case, and the idempotency key of its sign-off.
        opened: when this reader opened it, UTC.
        draft_id: the draft that is read, whatever comes in later; None when there was none.
    """

    case_id: str
    review_id: str
    opened: datetime
    draft_id: str | None


def reader_id() -> str | None:
    """The pseudonymous reader chosen in the sidebar, None before the choice."""
    value = st.session_state.get(Key.READER)
    return value if isinstance(value, str) else None


def reading() -> OpenReading | None:
    """The open case, None when none is open."""
    value = st.session_state.get(Key.OPEN)
    # By name, not by class: a reloaded module makes a new class of the same name.
    return value if type(value).__name__ == OpenReading.__name__ else None


def start_reading(opening: OpenReading) -> None:
    """Put a case on the screen; nothing of the case before it stays."""
    close_reading()
    st.session_state[Key.OPEN] = opening
    st.session_state[Key.ACTIVITY] = Activity(last=opening.opened, active_s=0.0)


def ask_for_reading_room() -> None:
    """A case was opened: the next drawing of the worklist goes there."""
    st.session_state[Key.GO] = True


def reading_room_asked_for() -> bool:
    """Whether it was, since the last time this was asked."""
    return bool(st.session_state.pop(Key.GO, False))


def turn_to(draft_id: str) -> None:
    """Read another draft of the open case; the time goes on, and no widget keeps an answer to the one before."""
    before, activity = reading(), st.session_state.get(Key.ACTIVITY)
    if before is not None:
        start_reading(replace(before, draft_id=draft_id))
        st.session_state[Key.ACTIVITY] = activity


def close_reading() -> None:
    """Take the case off the screen, with the answers that stood in its widgets."""
    for key in [name for name in st.session_state if str(name).startswith("reading.")]:
        del st.session_state[key]


def keep_quiet() -> None:
    """The page will draw itself anew by itself: that is no interaction, and no reading time."""
    st.session_state[Key.QUIET] = True


def touch(now: datetime) -> float:
    """Count this interaction; the active seconds of the open reading so far."""
    activity: Activity = st.session_state.get(Key.ACTIVITY) or Activity(last=now, active_s=0.0)
    if st.session_state.pop(Key.QUIET, False):
        return activity.active_s
    activity = activity.at(now)
    st.session_state[Key.ACTIVITY] = activity
    return activity.active_s


def selected() -> int | None:
    """Index of the selected sentence, None when none is."""
    value = st.session_state.get(Key.SELECTED)
    return value if isinstance(value, int) else None


def select(index: int | None) -> None:
    """Select a sentence, so that its box, its card and its citations light up; a second press clears."""
    st.session_state[Key.SELECTED] = None if index == selected() else index


def drawn_box() -> Box | None:
    """The box the reader drew last and has not used yet."""
    value = st.session_state.get(Key.DRAWN)
    return Box(*value) if isinstance(value, tuple) else None


def keep_drawn(box: Box | None) -> None:
    """Remember a drawn box until a sentence takes it (None forgets it)."""
    st.session_state[Key.DRAWN] = None if box is None else (box.x_min, box.y_min, box.x_max, box.y_max)


def widget_key(name: str, index: int, *, review_id: str) -> str:
    """The key of one widget of one sentence in one review.

    >>> widget_key("decision", 2, review_id="r1")
    'reading.r1.decision.2'
    """
    return f"reading.{review_id}.{name}.{index}"
