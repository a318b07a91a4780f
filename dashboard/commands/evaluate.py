"""`overread eval ...`: the referee's measurements on a folder of radiographs, printed with their denominators."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.commands.common import CommandError, Exit, now, say, say_json, shown
from dashboard.commands.draft import add_quantization, model
from dashboard.commands.kpi import in_words

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from evals.trial import Drafter, Trial

SCENES_PER_PAIR = 3  # scenes tried at most for each pair wanted: not every first draft points at its lesion


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
    source = localization.add_mutually_exclusive_group(required=True)
    source.add_argument("--cases", type=Path, metavar="DIR", help="folder with manifest.csv and images")
    source.add_argument("--simulated", action="store_true", help="the project's own simulated cases, notes and all")
    _add_common(localization)
    localization.set_defaults(run=run_localization)
    _add_seeing_and_checks(measures)


def _add_seeing_and_checks(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    seeing = measures.add_parser("seeing", help="does the draft follow the lesion and the prior note? paired tests")
    _add_folder(seeing)
    _add_common(seeing, n=50)
    seeing.set_defaults(run=run_seeing)
    normals = measures.add_parser("normals", help="false boxes on radiographs labelled No Finding")
    _add_folder(normals)
    _add_common(normals, n=50)
    normals.set_defaults(run=run_normals)
    rg1 = measures.add_parser("rg1", help="the radiograph of pydicom-data, upright and mirrored")
    _add_common(rg1)
    rg1.set_defaults(run=run_rg1)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cases", type=Path, required=True, metavar="DIR", help="folder with manifest.csv and images")


def _add_common(parser: argparse.ArgumentParser, *, n: int = 100) -> None:
    parser.add_argument(
        "--n", type=_count, default=n, metavar="N", help="how many images or pairs (default: %(default)s)"
    )
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

    with _evaluating(arguments) as draft:
        trials = shown(_trials(arguments), title="Drafting", total=_total(arguments))
        return _say(run(trials, draft=draft, seed=arguments.seed).as_dict(), arguments)


def run_seeing(arguments: argparse.Namespace) -> int:
    """Move the lesion, remove it, remove the prior note: how often the draft follows."""
    from evals.scenes import real_scenes, simulated_scenes
    from evals.seeing import run

    most = SCENES_PER_PAIR * arguments.n
    with _evaluating(arguments) as draft:
        grounds = (
            shown(real_scenes(arguments.cases, seed=arguments.seed, most=most), title="Real", total=None),
            shown(simulated_scenes(seed=arguments.seed, most=most), title="Simulated", total=None),
        )
        return _say(run(grounds, draft=draft, pairs=arguments.n, seed=arguments.seed).as_dict(), arguments)


def run_normals(arguments: argparse.Namespace) -> int:
    """Count the boxes on lesion-free radiographs."""
    from evals.false_alarms import run
    from evals.sources import normal_trials

    with _evaluating(arguments) as draft:
        trials = shown(normal_trials(arguments.cases, n=arguments.n), title="Drafting", total=arguments.n)
        return _say(run(trials, draft=draft).as_dict(), arguments)


def run_rg1(arguments: argparse.Namespace) -> int:
    """Draft RG1 upright, mirrored and from its lossless encoding; exit 1 when it does not pass."""
    from evals.rg1 import rg1_report

    with _evaluating(arguments) as draft:
        figures = rg1_report(draft, now=now)
    _say(figures, arguments)
    return Exit.OK if figures["passed"] else Exit.ANSWER_IS_NO


@contextmanager
def _evaluating(arguments: argparse.Namespace) -> Iterator[Drafter]:
    """The model's drafting, and its faults of supply (a folder that is none, no place for a lesion) in words."""
    from evals.insertion import NoPlaceError
    from evals.manifest import ManifestError

    try:
        with model(arguments.quantization) as drafter:
            yield drafter.draft
    except (ManifestError, NoPlaceError) as error:
        raise CommandError(str(error), code=Exit.NOT_FOUND) from error


def _total(arguments: argparse.Namespace) -> int | None:
    """How many trials there will be; unknown before the folder is read when readers' boxes decide."""
    if arguments.simulated:
        return int(arguments.n)
    return None if arguments.insert == "none" else arguments.n + arguments.n // 4


def _trials(arguments: argparse.Namespace) -> Iterator[Trial]:
    from evals.simulated import simulated_trials
    from evals.sources import boxed_trials, inserted_trials

    if arguments.simulated:
        return simulated_trials(n=arguments.n, seed=arguments.seed)
    if arguments.insert == "nodule":
        return inserted_trials(arguments.cases, n=arguments.n, seed=arguments.seed)
    return boxed_trials(arguments.cases)


def _say(figures: dict[str, object], arguments: argparse.Namespace) -> int:
    if arguments.json:
        say_json(figures)
    else:
        _say_figures(figures)
    return Exit.OK


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
