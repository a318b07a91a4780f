"""The fields of a card under Reword, Correct and Delete, and the answer that stands in them.

Facts not set by hand stay "as the words say": the reader types a sentence, the rules read it (`cases.answer`).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import TypeVar

import streamlit as st

from cases.answer import Answer, Choice
from cases.review import Reason, SentenceReview
from dashboard import state
from dashboard.words import REASON
from grounding.box import Box
from grounding.report import GroundedSentence, Laterality, Polarity, Progression

AS_WORDED = "as the words say"
# The facts a reader can set by hand: field, label, values.
FACTS = {
    "polarity": ("Presence", tuple(one.value for one in Polarity)),
    "laterality": ("Patient's side", tuple(one.value for one in Laterality)),
    "progression": ("Change", tuple(one.value for one in Progression)),
}
Fact = TypeVar("Fact", bound=StrEnum)


def reword_fields(
    index: int,
    sentence: GroundedSentence,
    *,
    stored: SentenceReview | None,
    review_id: str,
    on_change: Callable[[], None],
) -> None:
    """Draw the field of Reword: the words alone. Where they change a fact, a reason is asked for as well."""
    key = partial(state.widget_key, index=index, review_id=review_id)
    _text_field(key, sentence, stored, on_change)
    _reason_field(key, stored, on_change, label="Reason (only where the meaning changes)")


def correct_fields(
    index: int,
    sentence: GroundedSentence,
    *,
    stored: SentenceReview | None,
    review_id: str,
    choice: Choice,
    on_change: Callable[[], None],
) -> None:
    """Draw the fields of Correct (words, facts, box, reason) or of Delete (reason)."""
    key = partial(state.widget_key, index=index, review_id=review_id)
    if choice is Choice.CORRECT:
        _text_field(key, sentence, stored, on_change)
        _preset(key, stored)
        _fact_fields(key, on_change)
        _box_field(key, sentence, on_change)
    _reason_field(key, stored, on_change, label="Reason")


def answer_of(index: int, sentence: GroundedSentence, *, review_id: str) -> Answer | None:
    """What the card says now; None when nothing is pressed."""
    values = st.session_state
    key = partial(state.widget_key, index=index, review_id=review_id)
    choice = values.get(key("choice"))
    if choice is None:
        return None
    whole = Choice(choice) is Choice.CORRECT
    return Answer(
        choice=Choice(choice),
        text=values.get(key("text")) or sentence.text,
        boxes=boxes_of(key("boxes"), sentence) if whole else sentence.boxes,
        polarity=_fact(values.get(key("polarity")), Polarity) if whole else None,
        laterality=_fact(values.get(key("laterality")), Laterality) if whole else None,
        progression=_fact(values.get(key("progression")), Progression) if whole else None,
        reason=_fact(values.get(key("reason")), Reason),
    )


def boxes_of(key: str, sentence: GroundedSentence) -> tuple[Box, ...]:
    """The boxes as the reader left them: as drafted until they drew or removed one."""
    kept = st.session_state.get(key)
    return sentence.boxes if kept is None else tuple(Box(*corners) for corners in kept)


def _fact(value: object, kind: type[Fact]) -> Fact | None:
    return kind(str(value)) if value not in (None, AS_WORDED) else None


def _text_field(
    key: Callable[[str], str], sentence: GroundedSentence, stored: SentenceReview | None, on_change: Callable[[], None]
) -> None:
    if key("text") not in st.session_state:
        after = stored.after if stored is not None else None
        st.session_state[key("text")] = after.text if after is not None else sentence.text
    st.text_area("Your sentence", key=key("text"), height=80, on_change=on_change, max_chars=2000)


def _reason_field(
    key: Callable[[str], str], stored: SentenceReview | None, on_change: Callable[[], None], *, label: str
) -> None:
    if key("reason") not in st.session_state and stored is not None and stored.reason is not None:
        st.session_state[key("reason")] = stored.reason
    st.selectbox(
        label,
        list(Reason),
        index=None,
        format_func=REASON.__getitem__,
        key=key("reason"),
        placeholder="Choose a reason",
        on_change=on_change,
    )


def _preset(key: Callable[[str], str], stored: SentenceReview | None) -> None:
    """Put what was stored earlier back into the fields, when the case is opened again."""
    after = stored.after if stored is not None else None
    if after is None or stored is None or stored.before is None:
        return
    if key("boxes") not in st.session_state:
        st.session_state[key("boxes")] = tuple((b.x_min, b.y_min, b.x_max, b.y_max) for b in after.boxes)
    for name in FACTS:
        by_hand = name in stored.before.derived and name not in after.derived
        if by_hand and key(name) not in st.session_state:
            st.session_state[key(name)] = str(getattr(after, name))


def _fact_fields(key: Callable[[str], str], on_change: Callable[[], None]) -> None:
    for column, (name, (label, values)) in zip(st.columns(3, gap="small"), FACTS.items(), strict=True):
        options = [AS_WORDED, *values]
        column.selectbox(
            label, options, key=key(name), format_func=lambda value: value.replace("_", " "), on_change=on_change
        )


def _box_field(key: Callable[[str], str], sentence: GroundedSentence, on_change: Callable[[], None]) -> None:
    drawn = state.drawn_box()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Use the drawn box",
            key=key("use"),
            disabled=drawn is None,
            help="Draw it on the image first",
            on_click=partial(_set_boxes, key("boxes"), () if drawn is None else (drawn,), on_change),
        )
        st.button(
            "Remove the box",
            key=key("drop"),
            disabled=not boxes_of(key("boxes"), sentence),
            on_click=partial(_set_boxes, key("boxes"), (), on_change),
        )


def _set_boxes(key: str, boxes: tuple[Box, ...], on_change: Callable[[], None]) -> None:
    st.session_state[key] = tuple((box.x_min, box.y_min, box.x_max, box.y_max) for box in boxes)
    state.keep_drawn(None)
    on_change()
