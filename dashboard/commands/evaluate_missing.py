"""`overread eval missing`: every case drafted from each of the 32 subsets of its inputs, and what that costs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dashboard.commands.common import new_id, now, shown
from dashboard.commands.measuring import add_measuring, add_out, add_source, in_this_process, say_figures

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from collections.abc import Iterator

    from cases.draft import Draft
    from cases.pixels import Pixels
    from cases.study import Case
    from evals.longitudinal_scenes import LongitudinalScene
    from evals.missing import Measure, Measured
    from vlm.backend import Backend
    from vlm.calibration_file import Calibration

EVIDENCE = ("all", "confidence", "none")


def add_parsers(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `missing`."""
    missing = measures.add_parser("missing", help="what becomes of drafts when inputs are missing? all 32 subsets")
    add_source(missing)
    missing.add_argument(
        "--evidence",
        choices=EVIDENCE,
        default="all",
        help="all: confidence and triggers, some seconds a draft; confidence: without triggers (default: %(default)s)",
    )
    add_measuring(missing, n=20)
    add_out(missing)
    missing.set_defaults(run=run_missing)


def run_missing(arguments: argparse.Namespace) -> int:
    """Draft N cases from every subset of their inputs and print the table."""
    with in_this_process():
        return say_figures(_figures(arguments), arguments)


def _figures(arguments: argparse.Namespace) -> dict[str, object]:
    """The model runs in this process: it is asked for scores as well, and no case of a pilot is at stake."""
    from evals.drafter import product_drafter
    from evals.missing import run
    from evals.missing_cases import whole_cases
    from evals.missing_figures import as_dict
    from vlm.backends.transformers_local import TransformersLocal
    from vlm.model_spec import Quantization
    from vlm.registry import embedded_spec

    backend = TransformersLocal(embedded_spec(Quantization(arguments.quantization)))
    calibration, uncalibrated = _calibration(backend)
    result = run(
        whole_cases(shown(_scenes(arguments), title="Drafting", total=arguments.n), seed=arguments.seed),
        draft=product_drafter(backend, now=now, new_id=new_id),
        seed=arguments.seed,
        ground="simulated" if arguments.simulated else "real, inserted nodules",
        measure=_measure(arguments.evidence, backend, calibration),
    )
    return {**as_dict(result), "calibration": uncalibrated if calibration is None else calibration.words}


def _calibration(backend: Backend) -> tuple[Calibration | None, str]:
    """The calibration of exactly this model, else None and why."""
    from vlm.calibration_file import CalibrationError, calibration_for

    try:
        return calibration_for(backend.spec), "none was made for this model"
    except CalibrationError as error:
        return None, str(error)


def _measure(evidence: str, backend: Backend, calibration: Calibration | None) -> Measure | None:
    if evidence == "none":
        return None
    return _explaining(backend, calibration) if evidence == "all" else _confiding(backend, calibration)


def _confiding(backend: Backend, calibration: Calibration | None) -> Measure:
    from evals.missing import Measured
    from vlm.confidence import confidences

    def measure(case: Case, pixels: Pixels, draft: Draft) -> Measured:
        return Measured(confidences(case, pixels=pixels, draft=draft, backend=backend, calibration=calibration))

    return measure


def _explaining(backend: Backend, calibration: Calibration | None) -> Measure:
    from cases.protocol import default_protocol
    from evals.missing import Measured
    from vlm.explain import explain
    from vlm.rulebook import Rules

    rules = Rules(default_protocol(), calibration)

    def measure(case: Case, pixels: Pixels, draft: Draft) -> Measured:
        evidence = explain(case, pixels=pixels, draft=draft, backend=backend, rules=rules)
        return Measured(tuple(one.confidence for one in evidence.sentences), evidence.triggers)

    return measure


def _scenes(arguments: argparse.Namespace) -> Iterator[LongitudinalScene]:
    from evals.longitudinal_scenes import real_scenes, simulated_scenes

    if arguments.simulated:
        return simulated_scenes(n=arguments.n, seed=arguments.seed)
    return real_scenes(arguments.cases, n=arguments.n, seed=arguments.seed)
