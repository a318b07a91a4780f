"""`overread eval calibration`: what a confidence is worth, by method, judged on other patients; and its file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.commands.common import CommandError, Exit, complain, new_id, now, shown
from dashboard.commands.measuring import add_measuring, count, in_this_process, say_figures

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from evals.calibration import CalibrationResult
    from evals.calibration_cases import Drafted
    from evals.report_trials import ReportTrial
    from evals.trial import Drafter
    from vlm.backends.transformers_local import TransformersLocal
    from vlm.calibration_file import Calibration

ALPHA = 0.1


def add_parsers(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `calibration`."""
    measure = measures.add_parser("calibration", help="is the confidence worth what it says? fitted and judged apart")
    measure.add_argument("--insert", choices=("nodule",), default="nodule", help="what is inserted into --cases")
    source = measure.add_mutually_exclusive_group(required=True)
    source.add_argument("--cases", type=Path, metavar="DIR", help="folder with manifest.csv and images")
    source.add_argument("--simulated", action="store_true", help="the project's own simulated cases, notes and all")
    measure.add_argument(
        "--alpha", type=error_level, default=ALPHA, metavar="A", help="error level of the conformal rule (%(default)s)"
    )
    measure.add_argument(
        "--removals", type=count, default=20, metavar="M", help="cases drafted again with inputs removed (%(default)s)"
    )
    measure.add_argument(
        "--without-samples", action="store_true", help="leave out the agreement of samples, four drafts more a case"
    )
    measure.add_argument("--write", action="store_true", help="fit on all patients and write the file by the weights")
    measure.add_argument("--out", type=Path, metavar="FILE", help="write the JSON document there too")
    add_measuring(measure, n=400)
    measure.set_defaults(run=run_calibration)


def error_level(text: str) -> float:
    """A share between 0 and 1, from the command line."""
    value = float(text)
    if not 0.0 < value < 1.0:
        msg = f"an error level lies between 0 and 1: {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return value


def run_calibration(arguments: argparse.Namespace) -> int:
    """Draft, score, judge, fit and print; exit 1 where nothing could be calibrated."""
    with in_this_process():
        result, figures = _measured(arguments)
    calibration = result.calibration(made=now())
    if arguments.write and calibration is not None:
        figures["written"] = _write(calibration)
    if arguments.out is not None:
        _keep(figures, arguments.out)
    say_figures(figures, arguments)
    if calibration is None:
        complain("nothing was calibrated: too few judged sentences of any kind; ask for more cases with --n")
        return Exit.ANSWER_IS_NO
    return Exit.OK


def _measured(arguments: argparse.Namespace) -> tuple[CalibrationResult, dict[str, object]]:
    """The model runs in this process: it is asked for scores beside its drafts, and no case of a pilot is at stake."""
    from evals.calibration import in_fit_half, run
    from evals.drafter import product_drafter
    from vlm.backends.transformers_local import TransformersLocal
    from vlm.model_spec import Quantization
    from vlm.outcome import identity
    from vlm.registry import embedded_spec

    backend = TransformersLocal(embedded_spec(Quantization(arguments.quantization)))
    draft = product_drafter(backend, now=now, new_id=new_id)
    kept: list[Drafted] = []  # cases of the judge half, to be drafted again; no more than will be
    judged = []
    for one in _drafted(arguments, backend, draft):
        judged.append(one.judged)
        judging = not in_fit_half(one.trial.trial.patient, seed=arguments.seed)
        if judging and one.draft.report is not None and len(kept) < arguments.removals:
            kept.append(one)
    result = run(
        judged, model=identity(backend.spec), alpha=arguments.alpha, seed=arguments.seed, source=_trials(arguments)[1]
    )
    return result, {**result.as_dict(), "sharpened_without_cause": _sharpened(result, kept, backend, draft)}


def _drafted(arguments: argparse.Namespace, backend: TransformersLocal, draft: Drafter) -> Iterator[Drafted]:
    from evals.calibration_cases import drafted_cases
    from vlm.raw_scores import Method, raw_scores

    dear = {Method.SAMPLES} if arguments.without_samples else set()
    methods = tuple(method for method in Method if method not in dear)
    return drafted_cases(
        shown(_trials(arguments)[0], title="Drafting and scoring", total=arguments.n),
        draft=draft,
        score=lambda trial, made: raw_scores(
            trial.case, pixels=trial.pixels, draft=made, backend=backend, methods=methods
        ),
    )


def _sharpened(
    result: CalibrationResult, kept: list[Drafted], backend: TransformersLocal, draft: Drafter
) -> dict[str, object] | None:
    """None where nothing was calibrated, or no case was to be drafted again."""
    from evals.sharpening import sharpening
    from vlm.confidence import confidences

    calibration = result.halves_calibration(made=now())
    if calibration is None or not kept:
        return None
    return sharpening(
        shown(kept, title="Removing inputs", total=len(kept)),
        draft=draft,
        confide=lambda trial, made: confidences(
            trial.case, pixels=trial.pixels, draft=made, backend=backend, calibration=calibration
        ),
        seed=result.seed,
    ).as_dict()


def _trials(arguments: argparse.Namespace) -> tuple[Iterator[ReportTrial], str]:
    from evals.report_trials import inserted_reports, simulated_reports

    if arguments.simulated:
        return simulated_reports(n=arguments.n, seed=arguments.seed), "simulated cases, whose notes may be wrong"
    trials = inserted_reports(arguments.cases, n=arguments.n, seed=arguments.seed)
    return trials, "inserted lesions and truthful evaluation notes"


def _write(calibration: Calibration) -> dict[str, object]:
    """The file beside the weights of the embedded model."""
    from vlm.calibration_file import save, weights_file
    from vlm.registry import embedded_spec

    file = weights_file(embedded_spec())
    if file is None:
        msg = "a served model has no folder for its calibration: use overread calibrate"
        raise CommandError(msg)
    try:
        save(calibration, file)
    except OSError as error:
        msg = f"{file} cannot be written ({type(error).__name__}): make its folder writable"
        raise CommandError(msg) from error
    return {"file": file.name, "calibrator_id": calibration.calibrator_id, "revision": calibration.revision}


def _keep(figures: dict[str, object], path: Path) -> None:
    try:
        path.write_text(json.dumps(figures, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        msg = f"{path} cannot be written ({type(error).__name__}): name a file in a folder that exists"
        raise CommandError(msg) from error
