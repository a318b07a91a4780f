"""`overread eval ...`: the referee's measurements on a folder of radiographs, printed with their denominators."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.commands.common import CommandError, Exit, say, say_json, shown
from dashboard.commands.draft import add_quantization, model
from dashboard.commands.kpi import in_words

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from evals.trial import Trial


def add_parsers(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `eval` and what it measures."""
    evaluation = commands.add_parser("eval", help="measure the model: localization and more")
    measures = evaluation.add_subparsers(dest="measure", required=True, metavar="MEASURE")
    localization = measures.add_parser("localization", help="do the drafted boxes point at the lesions?")
    localization.add_argument(
        "--insert",
        choices=("nodule", "none"),
        default="none",
        help="nodule: insert lesions of known place into lesion-free images; none: judge by the boxes readers drew",
    )
    _add_common(localization)
    localization.set_defaults(run=run_localization)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cases", type=Path, required=True, metavar="DIR", help="folder with manifest.csv and images")
    parser.add_argument("--n", type=_count, default=100, metavar="N", help="how many images (default: %(default)s)")
    parser.add_argument("--seed", type=_count, default=0, metavar="S", help="of places, sizes and intervals")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of words")
    add_quantization(parser)


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        msg = f"a count is zero or more: {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return number


def run_localization(arguments: argparse.Namespace) -> int:
    """Draft every trial by the product's own path and print sensitivity, false boxes and deviation."""
    from evals.localization import run
    from evals.manifest import ManifestError

    try:
        trials = shown(_trials(arguments), title="Drafting", total=_total(arguments))
        with model(arguments.quantization) as drafter:
            figures = run(trials, draft=drafter.draft, seed=arguments.seed).as_dict()
    except ManifestError as error:
        raise CommandError(str(error), code=Exit.NOT_FOUND) from error
    if arguments.json:
        say_json(figures)
    else:
        _say_figures(figures)
    return Exit.OK


def _total(arguments: argparse.Namespace) -> int | None:
    """How many trials there will be; unknown before the folder is read when readers' boxes decide."""
    return None if arguments.insert == "none" else arguments.n + arguments.n // 4


def _trials(arguments: argparse.Namespace) -> Iterator[Trial]:
    from evals.sources import boxed_trials, inserted_trials

    if arguments.insert == "nodule":
        return inserted_trials(arguments.cases, n=arguments.n, seed=arguments.seed)
    return boxed_trials(arguments.cases)


def _say_figures(figures: object, indent: str = "") -> None:
    """Print nested figures, one a line."""
    if not isinstance(figures, dict):
        return
    for name, value in figures.items():
        if isinstance(value, dict) and "ci95" not in value:
            say(f"{indent}{name}:")
            _say_figures(value, indent + "    ")
        else:
            say(f"{indent}{name}: {in_words(value)}")
