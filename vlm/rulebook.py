"""By what a draft's evidence is judged: the written rules in force, and the calibration of the model that drafts.

Light on purpose: a process that only supervises a model reads it without importing one. Not here: what the rules are
applied to (`vlm.explain`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cases.protocol import Protocol, protocol_of
from vlm.calibration_file import Calibration, CalibrationError, calibration_for
from vlm.model_spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Rules:
    """By what a draft's evidence is judged.

    Attributes:
        protocol: the written rules in force.
        calibration: of exactly the model that drafts; None where there is none: no probability is given then.
        uncalibrated: why there is none, in words; "" where there is one, or where none was ever made.
    """

    protocol: Protocol
    calibration: Calibration | None = None
    uncalibrated: str = ""


def rules_for(spec: ModelSpec, store: Path) -> Rules:
    """The rules in force for a model and a store, read anew.

    A calibration that cannot be used is not used, and why is kept: a draft without probabilities asks for a look by
    rule, where no draft at all would help nobody.

    Raises:
        ProtocolError: the site's rules cannot be read or followed; nothing stands in for them.
    """
    protocol = protocol_of(store)
    try:
        return Rules(protocol, calibration_for(spec, store))
    except CalibrationError as fault:
        return Rules(protocol, None, str(fault))
