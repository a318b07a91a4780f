"""What stands on every page: the research banner, and the sidebar in which a demo reader says who they are."""

from __future__ import annotations

import streamlit as st
from PIL import Image as Picture
from PIL import ImageDraw

from dashboard import state, theme
from dashboard.identity import PEOPLE, Person, person
from dashboard.words import RESEARCH_USE


def icon() -> Picture.Image:
    """The browser tab's icon, drawn here: a named icon would be fetched from another machine."""
    picture = Picture.new("RGB", (64, 64), "#0e1116")
    ImageDraw.Draw(picture).rectangle((14, 18, 50, 46), outline="#5aa9e6", width=7)
    return picture


def page_frame(title: str) -> Person | None:
    """Draw the style sheet, the banner and the title; who is reading, None before they said so."""
    st.html(theme.STYLE)
    st.html(
        f'<div class="or-banner"><b>{RESEARCH_USE}</b><span>Not a medical device. Demo sign-on: '
        "nobody's identity is proven.</span></div>"
    )
    if title:
        st.header(title, anchor=False)
    return person(state.reader_id())


def identity_picker() -> None:
    """The demo sign-on in the sidebar; nobody is chosen at first, so that no one signs by accident."""
    names = {one.reader_id: one.label for one in PEOPLE}
    with st.sidebar:
        st.selectbox(
            "Who is reading?",
            list(names),
            index=None,
            format_func=names.__getitem__,
            key=state.Key.READER,
            placeholder="Choose a demo reader",
            on_change=state.close_reading,
            persist_state="session",
        )
        st.caption("Pseudonymous. What you decide and sign is recorded under this name.")


def say_who() -> None:
    """The way on for somebody who has not said who they are."""
    st.info("Choose who is reading, at the left: a case is opened, decided and signed under a name.")
