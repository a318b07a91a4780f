"""A calibration as a file: which method's scores became which probabilities, on what, for which weights exactly.

The embedded model's lies beside its weights and was fitted on simulated lesions; a site's own lies beside its store
(`<store>.calibration.json`), is fitted by `overread calibrate` on what its readers signed, and wins. Either is bound to
the model's revision and quantization: a file of other weights is refused in words and never used, since scores of one
model say nothing about another. The file comes from outside, so it is read by pydantic and checked whole.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from cases.audit import canonical_json
from cases.paths import StorePaths
from grounding.confidence import SIMULATED_ONLY, SITE_ID, Calibrator, ConformalRule, Knot
from vlm.model_spec import ModelSpec
from vlm.raw_scores import Method

FILE: Final = "calibration.json"  # beside a model's weights
FORMAT: Final = 1


class CalibrationError(ValueError):
    """A calibration that must not be used: unreadable, or of another model."""


class Source(StrEnum):
    """What the sentences were that a calibration was fitted on."""

    SIMULATED = "simulated lesions"
    SITE = "reviewed cases of this site"


Real = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(strict=True, ge=0)]
Word = Annotated[str, Field(min_length=1, max_length=200)]


@checked_dataclass(frozen=True, slots=True, config={"extra": "forbid"})
class MeasuredEce:
    """The expected calibration error on patients that the calibration was not fitted on; None where not measured."""

    value: Share | None
    ci95: tuple[Share, Share] | None
    n: Count
    bins: Count


@checked_dataclass(frozen=True, slots=True, config={"extra": "forbid"})
class _Conformal:
    alpha: Share
    threshold: Share
    patients: Count


@checked_dataclass(frozen=True, slots=True, config={"extra": "forbid"})
class _File:
    """A calibration as the file holds it."""

    format: Literal[1]
    model_id: Word
    revision: Word
    quantization: Word
    method: Method
    curves: Annotated[dict[Word, Annotated[list[tuple[Real, Real]], Field(min_length=1)]], Field(min_length=1)]
    conformal: _Conformal
    fitted_on: Source
    sentences: Count
    patients: Count
    seed: Count
    ece: MeasuredEce
    made: AwareDatetime


_READER: Final = TypeAdapter(_File)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns a model's raw scores into probabilities and sets.

    Attributes:
        model_id, revision, quantization: of the model whose scores were fitted; revision as `ModelSpec.content`.
        method: whose scores these are.
        curves: by kind of stand (`grounding.stance.Stance.kind`), sorted; a kind without one is not calibrated.
        rule: which sentences need a look.
        source: what it was fitted on. sentences, patients: how many.
        seed: of the split and the fit.
        ece: on other patients; not measured where there were too few.
        made: UTC.
    """

    model_id: str
    revision: str
    quantization: str
    method: Method
    curves: tuple[tuple[str, Calibrator], ...]
    rule: ConformalRule
    source: Source
    sentences: int
    patients: int
    seed: int
    ece: MeasuredEce
    made: datetime

    @property
    def calibrator_id(self) -> str:
        """The method, and the hash of curves, rule and model: two that differ in any of them have two ids.

        A site's own begins so that what was stored under it can be told apart (`Confidence.calibrated_on`).
        """
        told = _as_file(self)
        telling = {name: told[name] for name in ("revision", "quantization", "method", "curves", "conformal")}
        owner = SITE_ID if self.source is Source.SITE else ""
        return f"{owner}{self.method.value}-{hashlib.sha256(canonical_json(telling).encode('utf-8')).hexdigest()[:12]}"

    @property
    def words(self) -> str:
        """What stands wherever one of its probabilities is shown."""
        if self.source is Source.SIMULATED:
            return SIMULATED_ONLY
        return (
            f"calibrated on {self.sentences} sentences that readers of this site reviewed, until {self.made:%Y-%m-%d}"
        )

    def curve(self, kind: str) -> Calibrator | None:
        """The curve of a kind of stand; None where it was not calibrated."""
        return dict(self.curves).get(kind)

    def refuse_other(self, spec: ModelSpec) -> None:
        """Refuse a model that this was not fitted on.

        Weights are known by their hash, whatever they are called. What a server runs is known by what the site declares
        alone, so there the name counts as well: two servers may declare one revision, or none.

        Raises:
            CalibrationError: it is another.
        """
        if spec.endpoint is not None and self.model_id != spec.model_id:
            msg = (
                f"this calibration is of the model {self.model_id}, not of {spec.model_id}, and what a server runs is "
                f"known by its name alone: fit it again (overread calibrate)"
            )
            raise CalibrationError(msg)
        ours, theirs = (self.revision, self.quantization), (spec.content, spec.quantization.value)
        if ours != theirs:
            msg = (
                f"this calibration is of the weights {ours[0][:12]} ({ours[1]}), the model is {theirs[0][:12]} "
                f"({theirs[1]}): fit it again (overread eval calibration --write, or overread calibrate)"
            )
            raise CalibrationError(msg)


def calibration_for(spec: ModelSpec, store: Path | None = None) -> Calibration | None:
    """The calibration of a model: the site's own when there is one, else the one beside its weights, else none.

    Args:
        spec: of the model.
        store: the site's store; None for no site.

    Raises:
        CalibrationError: the file that counts cannot be used, or is of another model; the other one does not stand in.
    """
    for file in (None if store is None else StorePaths(store).calibration, weights_file(spec)):
        if file is not None and file.exists():
            return load(file, spec)
    return None


def weights_file(spec: ModelSpec) -> Path | None:
    """Where a local model's calibration lies beside its weights; None for a served model."""
    return None if spec.folder is None else spec.folder / FILE


def load(file: Path, spec: ModelSpec) -> Calibration:
    """The calibration in a file.

    Raises:
        CalibrationError: it cannot be read, or is of another model than `spec`.
    """
    try:
        calibration = _from_file(_READER.validate_json(file.read_bytes()))
    except (OSError, ValidationError, ValueError) as fault:
        msg = f"{file.name} is not a calibration ({type(fault).__name__}): remove it, or have it written again"
        raise CalibrationError(msg) from None
    calibration.refuse_other(spec)
    return calibration


def save(calibration: Calibration, file: Path) -> None:
    """Write a calibration, in place of an earlier one; the file is whole at any moment.

    Raises:
        OSError: the folder is not there, or must not be written to.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_bytes(_READER.dump_json(_READER.validate_python(_as_file(calibration)), indent=2) + b"\n")
    draft.replace(file)


def _as_file(calibration: Calibration) -> dict[str, object]:
    return {
        "format": FORMAT,
        "model_id": calibration.model_id,
        "revision": calibration.revision,
        "quantization": calibration.quantization,
        "method": calibration.method,
        "curves": {
            kind: [(knot.raw, knot.log_odds) for knot in curve.knots] for kind, curve in sorted(calibration.curves)
        },
        "conformal": {
            "alpha": calibration.rule.alpha,
            "threshold": calibration.rule.threshold,
            "patients": calibration.rule.patients,
        },
        "fitted_on": calibration.source,
        "sentences": calibration.sentences,
        "patients": calibration.patients,
        "seed": calibration.seed,
        "ece": calibration.ece,
        "made": calibration.made,
    }


def _from_file(kept: _File) -> Calibration:
    curves = tuple(
        (kind, Calibrator(tuple(Knot(raw, log_odds) for raw, log_odds in knots)))
        for kind, knots in sorted(kept.curves.items())
    )
    rule = ConformalRule(kept.conformal.alpha, kept.conformal.threshold, kept.conformal.patients)
    return Calibration(
        kept.model_id,
        kept.revision,
        kept.quantization,
        kept.method,
        curves,
        rule,
        kept.fitted_on,
        kept.sentences,
        kept.patients,
        kept.seed,
        kept.ece,
        kept.made,
    )


__all__ = [
    "Calibration",
    "CalibrationError",
    "MeasuredEce",
    "Source",
    "calibration_for",
    "load",
    "save",
    "weights_file",
]
