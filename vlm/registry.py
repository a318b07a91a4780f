"""The models that the project knows; today the embedded one, whose weights are committed with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vlm.errors import ModelLoadError
from vlm.model_spec import ModelSpec, Quantization

EMBEDDED_FOLDER = Path(__file__).parent / "embedded" / "weights"
SPEC_FILE = "spec.json"
REQUIRED = {"model_id": str, "weights_sha256": str, "codec": str, "prompt": str, "input_side_px": int}
OPTIONAL = {"dtype": str, "max_new_tokens": int}


def embedded_spec(quantization: Quantization = Quantization.NONE, *, folder: Path = EMBEDDED_FOLDER) -> ModelSpec:
    """The embedded model, to be loaded with that quantization.

    Args:
        quantization: of the language model's linear layers.
        folder: with the weights and the `spec.json` that names their SHA-256, codec, prompt and input side.

    Raises:
        ModelLoadError: the folder has no such file, or a field of it is missing, unknown or of another type.
    """
    path = folder / SPEC_FILE
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        msg = (
            f"no readable {SPEC_FILE} at {folder} ({type(fault).__name__}): restore the model's folder from the project"
        )
        raise ModelLoadError(msg) from fault
    _refuse_other_fields(fields, path)
    return ModelSpec(folder=folder, quantization=quantization, **fields)


def _refuse_other_fields(fields: Any, path: Path) -> None:  # noqa: ANN401 - whatever the file holds
    types = REQUIRED | OPTIONAL
    given = fields if isinstance(fields, dict) else {}
    faults = [name for name in REQUIRED if name not in given]
    faults += [name for name, value in given.items() if type(value) is not types.get(name)]
    if faults:
        msg = f"{path} has missing, unknown or mistyped fields {sorted(faults)}: it takes {sorted(types)}"
        raise ModelLoadError(msg)
