"""`overread eval ...`: the referee's measurements on a folder of radiographs, printed with their denominators."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.commands import (
    evaluate_attribution,
    evaluate_calibration,
    evaluate_conflict,
    evaluate_coverage,
    evaluate_fidelity,
    evaluate_findings,
    evaluate_fusion,
    evaluate_fusion_lab,
    evaluate_injection,
    evaluate_longitudinal,
    evaluate_missing,
    evaluate_priors,
    evaluate_quantization,
    evaluate_report,
    evaluate_unlikeness,
)
from dashboard.commands.common import Exit, now, shown
from dashboard.commands.measuring import add_folder, add_measuring, evaluating, say_figures

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from evals.trial import Trial

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
    add_measuring(localization)
    localization.set_defaults(run=run_localization)
    _add_seeing_and_checks(measures)
    evaluate_attribution.add_parsers(measures)
    evaluate_calibration.add_parsers(measures)
    evaluate_conflict.add_parsers(measures)
    evaluate_coverage.add_parsers(measures)
    evaluate_fidelity.add_parsers(measures)
    evaluate_findings.add_parsers(measures)
    evaluate_fusion.add_parsers(measures)
    evaluate_fusion_lab.add_parsers(measures)
    evaluate_injection.add_parsers(measures)
    evaluate_longitudinal.add_parsers(measures)
    evaluate_missing.add_parsers(measures)
    evaluate_priors.add_parsers(measures)
    evaluate_quantization.add_parsers(measures)
    evaluate_report.add_parsers(measures)
    evaluate_unlikeness.add_parsers(measures)


def _add_seeing_and_checks(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    seeing = measures.add_parser("seeing", help="does the draft follow the lesion and the prior note? paired tests")
    add_folder(seeing)
    add_measuring(seeing, n=50)
    seeing.set_defaults(run=run_seeing)
    normals = measures.add_parser("normals", help="false boxes on radiographs labelled No Finding")
    add_folder(normals)
    add_measuring(normals, n=50)
    normals.set_defaults(run=run_normals)
    rg1 = measures.add_parser("rg1", help="the radiograph of pydicom-data, upright and mirrored")
    add_measuring(rg1)
    rg1.set_defaults(run=run_rg1)


def run_localization(arguments: argparse.Namespace) -> int:
    """Draft every trial by the product's own path and print sensitivity, false boxes and deviation."""
    from evals.localization import run

    with evaluating(arguments) as draft:
        trials = shown(_trials(arguments), title="Drafting", total=_total(arguments))
        return say_figures(run(trials, draft=draft, seed=arguments.seed).as_dict(), arguments)


def run_seeing(arguments: argparse.Namespace) -> int:
    """Move the lesion, remove it, remove the prior note: how often the draft follows."""
    from evals.scenes import real_scenes, simulated_scenes
    from evals.seeing import run

    most = SCENES_PER_PAIR * arguments.n
    with evaluating(arguments) as draft:
        grounds = (
            shown(real_scenes(arguments.cases, seed=arguments.seed, most=most), title="Real", total=None),
            shown(simulated_scenes(seed=arguments.seed, most=most), title="Simulated", total=None),
        )
        return say_figures(run(grounds, draft=draft, pairs=arguments.n, seed=arguments.seed).as_dict(), arguments)


def run_normals(arguments: argparse.Namespace) -> int:
    """Count the boxes on lesion-free radiographs."""
    from evals.false_alarms import run
    from evals.sources import normal_trials

    with evaluating(arguments) as draft:
        trials = shown(normal_trials(arguments.cases, n=arguments.n), title="Drafting", total=arguments.n)
        return say_figures(run(trials, draft=draft).as_dict(), arguments)


def run_rg1(arguments: argparse.Namespace) -> int:
    """Draft RG1 upright, mirrored and from its lossless encoding; exit 1 when it does not pass."""
    from evals.rg1 import rg1_report

    with evaluating(arguments) as draft:
        figures = rg1_report(draft, now=now)
    say_figures(figures, arguments)
    return Exit.OK if figures["passed"] else Exit.ANSWER_IS_NO


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
