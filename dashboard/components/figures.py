"""The pilot's figures as cards: value, n of N, 95 % interval, definition in words. Computes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.markup import chip, plain

if TYPE_CHECKING:
    from evals.kpi import Apart, Kpi, PilotKpis

PER_ROW = 3
UNITS = {"share": "%", "seconds": "", "ratio": ""}


def figure_grid(kpis: PilotKpis) -> None:
    """Draw all figures, three to a row, then what stands in no rate."""
    figures = kpis.figures
    for start in range(0, len(figures), PER_ROW):
        for column, kpi in zip(st.columns(PER_ROW, gap="medium"), figures[start : start + PER_ROW], strict=False):
            with column, st.container(border=True, height="stretch", key=f"kpi_{kpi.name}"):
                st.html(figure_html(kpi))
                _by_finding(kpi)
    _apart(kpis.apart)


def figure_html(kpi: Kpi) -> str:
    """One figure as HTML: the value with n of N and the interval, then the definition."""
    return (
        f'<div class="or-kpi-name">{plain(kpi.title)}</div>'
        f'<div class="or-kpi">{plain(value_words(kpi))}<small>{plain(count_words(kpi))}</small></div>'
        f'<div class="or-kpi-range">{plain(interval_words(kpi))}</div>'
        f'<div class="or-kpi-words">{plain(kpi.definition)}</div>'
    )


def amount(value: float, unit: str) -> str:
    """A value in its unit.

    >>> [amount(0.25, "share"), amount(74.6, "seconds"), amount(7320.0, "seconds"), amount(0.5, "ratio")]
    ['25.0 %', '75 s', '2.0 h', '0.50']
    """
    if unit == "share":
        return f"{100 * value:.1f} %"
    if unit == "ratio":
        return f"{value:.2f}"
    if value < 120:
        return f"{value:.0f} s"
    if value < 7200:
        return f"{value / 60:.1f} min"
    return f"{value / 3600:.1f} h" if value < 172_800 else f"{value / 86_400:.1f} d"


def value_words(kpi: Kpi) -> str:
    """The value, or that it was not measured (which is not zero)."""
    return "not measured" if kpi.figure.value is None else amount(kpi.figure.value, kpi.unit)


def count_words(kpi: Kpi) -> str:
    """n/N for a share, n for the rest."""
    return f"n = {kpi.figure.n}" if kpi.count is None else f"{kpi.count}/{kpi.figure.n}"


def interval_words(kpi: Kpi) -> str:
    """The interval in words."""
    if kpi.figure.ci95 is None:
        return "no interval: too little was measured"
    low, high = kpi.figure.ci95
    return f"95 % CI {amount(low, kpi.unit)} to {amount(high, kpi.unit)}"


def _by_finding(kpi: Kpi) -> None:
    if kpi.findings:
        with st.expander("By finding"):
            st.html(
                "".join(f'<div class="or-cell">{plain(name)}: {plain(str(rate))}</div>' for name, rate in kpi.findings)
            )


def _apart(apart: Apart) -> None:
    counted = (
        (apart.waiting, "waiting to be read"),
        (apart.out_of_scope, "out of scope"),
        (apart.signed_without_draft, "signed without a draft"),
    )
    st.html(
        '<span class="or-note">In no rate: </span>'
        + "".join(chip(f"{number} {words}") for number, words in counted)
        + '<span class="or-note"> In the rates by their first signature, and not final yet: </span>'
        + chip(f"{apart.waiting_for_second_read} waiting for a second reader")
    )
