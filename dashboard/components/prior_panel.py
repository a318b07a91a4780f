"""The earlier image beside the current one, windowed alike, with how long before it was acquired."""

from __future__ import annotations

import streamlit as st

from cases.study import Case, Image
from dashboard import resources, state
from dashboard.components.image_panel import Picked, image_panel
from dashboard.panel import Window
from vlm.prompt import interval_words


def prior_words(case: Case) -> str:
    """How the prior image is named above it; dates are shifted, so the interval is what counts.

    >>> from cases.study import CaseStatus
    >>> from datetime import UTC, date, datetime
    >>> image, earlier = (Image("a", 1, 1, "DX", "PA", None, None, day, False)
    ...     for day in (date(2020, 7, 2), date(2018, 7, 1)))
    >>> prior_words(Case("c", "p", datetime(2026, 1, 1, tzinfo=UTC), CaseStatus.REGISTERED, image, prior_image=earlier))
    'Prior image, 2 years earlier, DX PA'
    """
    prior, current = case.prior_image, case.image
    if prior is None or current is None or prior.acquired is None or current.acquired is None:
        return "Prior image"
    since = interval_words(prior.acquired, until=current.acquired)
    return f"Prior image, {since}, {prior.modality} {prior.view_position or 'view not stated'}"


def prior_panel(case: Case, prior: Image, *, window: Window, inverted: bool, key: str) -> None:
    """Draw the prior image; no box is on it, since only the current image is reported.

    Raises:
        ImageStoreError: its pixels are not there.
    """
    png = resources.picture(prior.sha256, window=window, inverted=inverted)
    st.caption(prior_words(case))
    image_panel(png, image=prior, boxes=(), selected=None, picked=Picked(on_pick=state.select, on_draw=None), key=key)
