"""The reading room below its banner, as one fragment: a press on a box redraws it and nothing else."""

from __future__ import annotations

import streamlit as st

from cases.images import ImageStoreError
from cases.study import Image
from dashboard import resources, state
from dashboard.components.additions import additions
from dashboard.components.case_header import case_header, limitations, say_no_draft
from dashboard.components.draft_evidence import draft_evidence
from dashboard.components.drafting import drafting_notice
from dashboard.components.evidence import View, shown_heatmap
from dashboard.components.image_panel import Picked, ShownBox, image_panel
from dashboard.components.notes_panel import notes_panel
from dashboard.components.prior_panel import prior_panel
from dashboard.components.second_read import second_read
from dashboard.components.sentence_card import sentence_card
from dashboard.components.sign_off import sign_off, signed_report
from dashboard.desk import Desk, load_desk
from dashboard.identity import Person, may_sign
from dashboard.markup import chip
from dashboard.panel import Window
from dashboard.state import OpenReading
from grounding.report import GroundedSentence


@st.fragment
def workspace(reading: OpenReading, reader: Person) -> None:
    """Draw the case's head, the image and notes at the left, the sentences and the signature at the right."""
    state.touch(resources.utc_now())
    desk = load_desk(reading, reader)
    case_header(desk.case, limits=limitations(desk.draft) if desk.evidence is None else ())
    draft_evidence(desk)
    left, right = st.columns([0.58, 0.42], gap="medium")
    with left:
        _image(desk)
        notes_panel(desk.case, desk.drafted, selected=state.selected())
    with right, st.container(key="report"):
        _report(desk)


def shown_boxes(desk: Desk) -> tuple[ShownBox, ...]:
    """The boxes as the report stands: the AI's where a sentence is as drafted, the reader's where it was changed."""
    standing: dict[int, GroundedSentence | None] = {} if desk.signed else dict(enumerate(desk.drafted))
    decided = desk.decisions.values() if desk.signed is None else desk.signed.sentences
    standing |= {review.index: review.after for review in decided}
    drafted = {index: sentence.boxes for index, sentence in enumerate(desk.drafted)}
    return tuple(
        ShownBox(index, box, "ai" if box in drafted.get(index, ()) else "human")
        for index, sentence in sorted(standing.items())
        if sentence is not None
        for box in sentence.boxes
    )


def _drawn() -> tuple[ShownBox, ...]:
    drawn = state.drawn_box()
    return () if drawn is None else (ShownBox(-1, drawn, "human"),)


def _image(desk: Desk) -> None:
    image = desk.case.image
    if image is None:
        st.info("This case has no image to show.")
        return
    window, inverted, compare = _toolbar(desk)
    key = f"panel.{desk.reading.review_id}"
    current, beside = st.columns(2) if compare else (st.container(), None)
    try:
        with current:
            _current_image(desk, image, window=window, inverted=inverted, key=key)
        if beside is not None and desk.case.prior_image is not None:
            with beside:
                prior_panel(desk.case, desk.case.prior_image, window=window, inverted=inverted, key=f"{key}.prior")
    except ImageStoreError as error:
        st.error(f"The image cannot be shown: {error}")


def _toolbar(desk: Desk) -> tuple[Window, bool, bool]:
    """The window, whether it is inverted, and whether the prior image stands beside the current one."""
    with st.container(horizontal=True, vertical_alignment="center"):
        window = st.segmented_control(
            "Window",
            list(Window),
            default=Window.AS_RENDERED,
            required=True,
            key="panel.window",
            label_visibility="collapsed",
        )
        inverted = st.toggle("Invert", key="panel.inverted")
        compare = desk.case.prior_image is not None and st.toggle("Prior image beside", key="panel.prior")
        if (hot := shown_heatmap(desk)) is not None:
            st.html(chip(f"Heatmap of sentence {hot[0] + 1}; press “{View.LOOKED}” there to take it off", "warn"))
    return window or Window.AS_RENDERED, inverted, compare


def _current_image(desk: Desk, image: Image, *, window: Window, inverted: bool, key: str) -> None:
    png = _picture(desk, image, window=window, inverted=inverted)
    may_draw = desk.signed is None and may_sign(desk.reader)
    picked = Picked(on_pick=state.select, on_draw=state.keep_drawn if may_draw else None)
    if desk.case.prior_image is not None:
        st.caption("Current image")
    image_panel(
        png, image=image, boxes=(*shown_boxes(desk), *_drawn()), selected=state.selected(), picked=picked, key=key
    )


def _picture(desk: Desk, image: Image, *, window: Window, inverted: bool) -> bytes:
    """The windowed image, with a sentence's heatmap over it where the reader asked for one."""
    hot = shown_heatmap(desk)
    if hot is None or desk.evidence is None:
        return resources.picture(image.sha256, window=window, inverted=inverted)
    index, heatmap = hot
    name = f"{desk.evidence.evidence_id}.{index}"
    return resources.heated_picture(image.sha256, heatmap, name=name, window=window, inverted=inverted)


def _report(desk: Desk) -> None:
    if desk.signed is not None:
        drafting_notice(desk.reading, desk.reader)
        second_read(desk, desk.signed)
        signed_report(desk, desk.signed)
        return
    drafting_notice(desk.reading, desk.reader)
    say_no_draft(desk.case, desk.draft)
    for index, sentence in enumerate(desk.drafted):
        sentence_card(index, sentence, desk=desk)
    additions(desk)
    sign_off(desk)
