"""`overread calibrate`: the site's own calibration, from what its readers signed; it wins over the shipped one."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.commands.common import CommandError, Exit, add_common, existing_store, now, say, say_json
from dashboard.commands.draft import add_model
from dashboard.commands.evaluate_calibration import ALPHA, error_level

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from cases.store import Store
    from evals.calibration import CalibrationResult
    from evals.calibration_cases import Judged
    from evals.reviewed import Reviewed
    from vlm.calibration_file import Calibration
    from vlm.model_spec import ModelSpec
    from vlm.raw_scores import Method, Scores

FEWEST, FEWEST_WRONG, FEWEST_PATIENTS = 100, 10, 50
SEED = 0


def add_parsers(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `calibrate`."""
    command = commands.add_parser("calibrate", help="fit the confidence to this site's own reviewed cases")
    command.add_argument(
        "--alpha", type=error_level, default=ALPHA, metavar="A", help="error level of the conformal rule (%(default)s)"
    )
    add_model(command)
    add_common(command)
    command.set_defaults(run=run_calibrate)


def run_calibrate(arguments: argparse.Namespace) -> int:
    """Fit, judge on half of the patients, and write `<store>.calibration.json`; exit 1 with too few reviews."""
    from cases.paths import StorePaths
    from vlm.calibration_file import Source, save
    from vlm.errors import ModelLoadError

    try:
        with existing_store(arguments.store) as store:
            result = _fitted(store, _spec(arguments), arguments)
    except ModelLoadError as error:
        raise CommandError(str(error), code=Exit.NOT_FOUND) from error
    calibration = result.calibration(made=now(), source=Source.SITE)
    if calibration is None:
        msg = "no kind of finding has enough reviewed sentences for a curve: review more drafts, then calibrate again"
        raise CommandError(msg, code=Exit.ANSWER_IS_NO)
    file = StorePaths(arguments.store).calibration
    save(calibration, file)
    _tell(result, calibration, file, arguments)
    return Exit.OK


def _tell(result: CalibrationResult, calibration: Calibration, file: Path, arguments: argparse.Namespace) -> None:
    if arguments.json:
        written = {"written": file.name, "calibrator_id": calibration.calibrator_id, "note": calibration.words}
        say_json({**result.as_dict(), **written})
        return
    ece = calibration.ece
    measured = "not measured" if ece.value is None else f"{ece.value:.3f} on {ece.n} sentences of patients held out"
    say(f"wrote {file.name}: {calibration.words}; calibration error {measured}")


def _spec(arguments: argparse.Namespace) -> ModelSpec:
    from vlm.model_spec import Quantization
    from vlm.registry import site_file, spec_named

    asked = None if arguments.quantization is None else Quantization(arguments.quantization)
    return spec_named(arguments.model, site_file(arguments.store), quantization=asked)


def _fitted(store: Store, spec: ModelSpec, arguments: argparse.Namespace) -> CalibrationResult:
    """What this model's reviewed drafts give."""
    from evals.calibration import run
    from evals.reviewed import judged_reviews, reviewed
    from vlm.outcome import identity

    every = [one for one in reviewed(store.cases(), store.drafts(), store.reviews()) if _is_by(one, spec)]
    _refuse_few(every)
    method = _method(spec)
    judged = list(judged_reviews(every, method=method, scores=_scorer(store, spec, method, arguments.store)))
    _refuse_unscored(judged)
    source = "decisions of this site's readers: agreement with a reader, not truth"
    return run(judged, model=identity(spec), alpha=arguments.alpha, seed=SEED, source=source)


def _is_by(one: Reviewed, spec: ModelSpec) -> bool:
    model = one.draft.model
    named = spec.endpoint is None or model.model_id == spec.model_id  # a server's revision is declared, not checked
    return named and (model.revision, model.quantization) == (spec.content, spec.quantization.value)


def _method(spec: ModelSpec) -> Method:
    """The method of the calibration beside the weights, which was chosen by measurement; without one the default."""
    from vlm.calibration_file import CalibrationError, calibration_for
    from vlm.confidence import UNCALIBRATED

    try:
        shipped = calibration_for(spec)
    except CalibrationError:  # of other weights: it says nothing about these
        return UNCALIBRATED
    return UNCALIBRATED if shipped is None else shipped.method


def _refuse_few(every: Sequence[Reviewed]) -> None:
    """Refuse before anything is scored.

    Raises:
        CommandError: there are too few reviewed sentences, wrong ones or patients; it says how many.
    """
    right = [is_right for one in every for _, _, is_right in one.sentences]
    patients = len({one.case.patient_pseudonym for one in every if one.sentences})
    wrong = len(right) - sum(right)
    if len(right) < FEWEST or wrong < FEWEST_WRONG or patients < FEWEST_PATIENTS:
        msg = (
            f"{len(right)} reviewed sentences of this model ({wrong} corrected or deleted) of {patients} patients are "
            f"too few to calibrate on: it takes {FEWEST}, {FEWEST_WRONG} and {FEWEST_PATIENTS}; review more drafts"
        )
        raise CommandError(msg, code=Exit.ANSWER_IS_NO)


def _refuse_unscored(judged: Sequence[Sequence[Judged]]) -> None:
    count = sum(len(one) for one in judged)
    if count < FEWEST:
        msg = (
            f"only {count} of the reviewed sentences can be scored, it takes {FEWEST}: the model gives no "
            "log-probabilities, or the images are gone; draft with evidence, so that scores are stored"
        )
        raise CommandError(msg, code=Exit.ANSWER_IS_NO)


def _scorer(store: Store, spec: ModelSpec, method: Method, path: Path) -> Callable[[Reviewed], Scores]:
    """Scores as they were stored with the draft; where they were not, the model is loaded and asked again."""
    from evals.reviewed import stored_scores

    loaded: list[Callable[[Reviewed], Scores]] = []  # at most one

    def scores(one: Reviewed) -> Scores:
        stored = stored_scores(one, store.evidence_of(one.draft.draft_id), method=method)
        if stored is not None:
            return stored
        if not loaded:
            loaded.append(_rescorer(spec, method, path))
        return loaded[0](one)

    return scores


def _rescorer(spec: ModelSpec, method: Method, path: Path) -> Callable[[Reviewed], Scores]:
    from cases.images import ImageStore
    from cases.paths import StorePaths
    from cases.pixels import pixels_of
    from vlm.raw_scores import raw_scores
    from vlm.supervised import backend_reference
    from vlm.worker import backend_named

    backend = backend_named(backend_reference(spec))(spec)
    images = ImageStore(StorePaths(path).images)

    def scores(one: Reviewed) -> Scores:
        pixels = pixels_of(one.case, images)
        if pixels is None:
            return (None,) * len(one.draft.report.sentences if one.draft.report else ())
        return raw_scores(one.case, pixels=pixels, draft=one.draft, backend=backend, methods=(method,))[method]

    return scores
