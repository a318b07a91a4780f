"""`overread eval report`: precision, recall and F1 of drafted claims against what is true, and RadFact's JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.commands.common import CommandError, shown
from dashboard.commands.measuring import add_measuring, evaluating, say_figures

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from evals.report import ReportResult
    from evals.report_trials import ReportTrial


def add_parsers(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `report`."""
    report = measures.add_parser("report", help="are the drafted claims right, by section, polarity, side and change?")
    report.add_argument(
        "--insert",
        choices=("nodule", "none"),
        default="nodule",
        help="nodule: insert lesions into lesion-free images, with truthful notes, by turns; none: the folder's labels",
    )
    source = report.add_mutually_exclusive_group(required=True)
    source.add_argument("--cases", type=Path, metavar="DIR", help="folder with manifest.csv and images")
    source.add_argument("--simulated", action="store_true", help="the project's own simulated cases, notes and all")
    report.add_argument(
        "--radfact", type=Path, metavar="FILE", help="write predictions and targets there in RadFact's JSON"
    )
    add_measuring(report)
    report.set_defaults(run=run_report)


def run_report(arguments: argparse.Namespace) -> int:
    """Draft every trial, judge its claims, and print the figures."""
    from evals.report import run

    with evaluating(arguments) as draft:
        trials, source = _trials(arguments)
        told = shown(trials, title="Drafting", total=arguments.n)
        result = run(told, draft=draft, seed=arguments.seed, source=source)
    if arguments.radfact is not None:
        _write(result, arguments.radfact)
    return say_figures(result.as_dict(), arguments)


def _trials(arguments: argparse.Namespace) -> tuple[Iterator[ReportTrial], str]:
    from evals.report_trials import inserted_reports, labelled_reports, simulated_reports

    if arguments.simulated:
        return simulated_reports(n=arguments.n, seed=arguments.seed), "simulated cases, whose notes may be wrong"
    if arguments.insert == "nodule":
        trials = inserted_reports(arguments.cases, n=arguments.n, seed=arguments.seed)
        return trials, "inserted lesions and truthful evaluation notes"
    trials = labelled_reports(arguments.cases, n=arguments.n, seed=arguments.seed)
    return trials, "text-mined labels; side and change are not known"


def _write(result: ReportResult, path: Path) -> None:
    text = json.dumps(list(result.examples), indent=2, ensure_ascii=False, allow_nan=False)
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        msg = f"{path} cannot be written ({type(error).__name__}): name a file in a folder that exists"
        raise CommandError(msg) from error
