"""`overread kpi`: the pilot's figures, each with its count, its interval and its definition in words."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dashboard.commands.common import Exit, add_common, existing_store, say, say_json

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_parsers(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `kpi`."""
    kpi = commands.add_parser("kpi", help="override, turnaround, reading time, discordance, failed and abandoned")
    add_common(kpi)
    kpi.set_defaults(run=run_kpi)


def run_kpi(arguments: argparse.Namespace) -> int:
    """Print the figures of the whole store."""
    with existing_store(arguments.store) as store:
        from evals.kpi import pilot_kpis

        figures = pilot_kpis(store).as_dict()
    if arguments.json:
        say_json(figures)
        return Exit.OK
    for name, figure in figures.items():
        _say_figure(name, figure)
    return Exit.OK


def _say_figure(name: str, figure: object) -> None:
    """One figure and its definition; plain counts as they are."""
    if not isinstance(figure, dict) or "value" not in figure:
        say(f"{name}: {', '.join(f'{k} {v}' for k, v in figure.items()) if isinstance(figure, dict) else figure}")
        return
    unit = f" [{figure['unit']}]" if "unit" in figure else ""
    say(f"{name}: {in_words(figure)}{unit}")
    if "definition" in figure:
        say(f"    {figure['definition']}")


def in_words(figure: object) -> str:
    """A figure with its denominator and interval.

    >>> in_words({"value": 0.25, "ci95": [0.1, 0.5], "n": 12})
    '0.25 (95 % interval 0.1 to 0.5, n = 12)'
    >>> in_words({"value": None, "ci95": None, "n": 0})
    'not measured (n = 0)'
    """
    if not isinstance(figure, dict):
        return str(figure)
    if figure.get("value") is None:
        return f"not measured (n = {figure.get('n', 0)})"
    low, high = figure.get("ci95") or (None, None)
    interval = "no interval" if low is None else f"95 % interval {low:.3g} to {high:.3g}"
    return f"{figure['value']:.3g} ({interval}, n = {figure.get('n')})"
