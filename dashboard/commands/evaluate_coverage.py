"""`overread eval coverage`: does the conformal rule keep its error level in a store, per week and site? An alarm."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dashboard.commands.common import Exit, add_common, complain, existing_store, say, say_json
from dashboard.commands.evaluate_calibration import ALPHA, error_level

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from evals.coverage import Cell


def add_parsers(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `coverage`."""
    measure = measures.add_parser("coverage", help="does the conformal rule keep its error level? per week and site")
    measure.add_argument(
        "--alpha", type=error_level, default=ALPHA, metavar="A", help="the error level that was stated (%(default)s)"
    )
    add_common(measure)
    measure.set_defaults(run=run_coverage)


def run_coverage(arguments: argparse.Namespace) -> int:
    """Print each site's weeks; exit 1 when coverage fell short in one."""
    from evals.coverage import ALARM, coverage, watched
    from evals.reviewed import reviewed

    with existing_store(arguments.store) as store:
        every = reviewed(store.cases(), store.drafts(), store.reviews())
        rows = watched(every, evidence=store.evidence_of)
    cells = coverage(rows, alpha=arguments.alpha)
    alarms = [cell for cell in cells if cell.alarm]
    if arguments.json:
        say_json(
            {
                "alpha": arguments.alpha,
                "n_reviews": len(every),
                "n_sentences": len(rows),
                "alarm_at_p": ALARM,
                "alarms": len(alarms),
                "cells": [cell.as_dict() for cell in cells],
            }
        )
    else:
        _say(cells, len(every))
    for cell in alarms:
        complain(f"ALARM: coverage fell short at {cell.site}, week {cell.week}: calibrate again (overread calibrate)")
    return Exit.ANSWER_IS_NO if alarms else Exit.OK


def _say(cells: tuple[Cell, ...], reviews: int) -> None:
    if not cells:
        say(f"not measured: none of {reviews} reviews is of a draft whose sentences had a set (accept, review)")
    for cell in cells:
        told = "ALARM" if cell.alarm else "no alarm"
        say(f"{cell.site} {cell.week}: missed drafts {cell.missed}; accepted sentences {cell.accepted}; {told}")
