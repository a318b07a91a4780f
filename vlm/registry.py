"""The models that may draft, by name: the embedded one, whose weights are committed, and those that the site lists."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cases.paths import StorePaths
from vlm.errors import ModelLoadError, SiteModelsError
from vlm.model_spec import ModelSpec, Quantization

EMBEDDED_FOLDER = Path(__file__).parent / "embedded" / "weights"
EMBEDDED: Final = "embedded"
MODELS_VARIABLE: Final = "OVERREAD_MODELS"
SPEC_FILE = "spec.json"
REQUIRED = {"model_id": str, "weights_sha256": str, "codec": str, "prompt": str, "input_side_px": int}
OPTIONAL = {"dtype": str, "max_new_tokens": int}


def site_file(store: Path, *, environment: Mapping[str, str] | None = None) -> Path:
    """Where the site lists its models: `OVERREAD_MODELS`, else beside the store; it need not be there.

    >>> site_file(Path("pilot/overread.duckdb"), environment={}).as_posix()
    'pilot/overread.duckdb.models.json'
    """
    named = (os.environ if environment is None else environment).get(MODELS_VARIABLE)
    return Path(named) if named else StorePaths(store).models


def models(site_file: Path | None = None) -> tuple[ModelSpec, ...]:
    """Every model that has a name here: the embedded one first, then the site's, in the order of its file.

    Raises:
        ModelLoadError: the embedded model's folder is damaged.
        SiteModelsError: the site's file cannot be used.
    """
    from vlm.site_models import read_site_models

    embedded, listed = embedded_spec(), read_site_models(site_file)
    taken = {EMBEDDED, embedded.model_id}
    clash = next((spec.model_id for spec in listed if spec.model_id in taken), None)
    if clash is not None:
        msg = f"the site's list names a model {clash!r}, which is the project's own: give it another name"
        raise SiteModelsError(msg)
    return (embedded, *listed)


def spec_named(name: str, site_file: Path | None = None, *, quantization: Quantization | None = None) -> ModelSpec:
    """The model of that name; "embedded" is the embedded one, whatever its version is called.

    Args:
        name: as in the list.
        site_file: the site's list, None for no site.
        quantization: instead of the one that is listed.

    Raises:
        SiteModelsError: no model has that name, or a served one is asked to be quantized from here.
        ModelLoadError: see `models`.
    """
    if name == EMBEDDED:
        return embedded_spec(quantization or Quantization.NONE)
    known = {spec.model_id: spec for spec in models(site_file)}
    if name not in known:
        where = "nowhere (no list was given)" if site_file is None else str(site_file)
        msg = f"no model is named {name!r}: take {EMBEDDED} or one of {', '.join(known)}; the site's are listed {where}"
        raise SiteModelsError(msg)
    spec = known[name]
    if quantization is None or quantization is spec.quantization:
        return spec
    if spec.endpoint is not None:
        msg = f"{name} is quantized where it is served: leave --quantization out, and declare it in the site's list"
        raise SiteModelsError(msg)
    return dataclasses.replace(spec, quantization=quantization)


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
    try:
        return ModelSpec(folder=folder, quantization=quantization, **fields)
    except ValueError as fault:
        msg = f"{path}: {fault}"
        raise ModelLoadError(msg) from fault


def _refuse_other_fields(fields: Any, path: Path) -> None:  # noqa: ANN401 - whatever the file holds
    types = REQUIRED | OPTIONAL
    given = fields if isinstance(fields, dict) else {}
    faults = [name for name in REQUIRED if name not in given]
    faults += [name for name, value in given.items() if type(value) is not types.get(name)]
    if faults:
        msg = f"{path} has missing, unknown or mistyped fields {sorted(faults)}: it takes {sorted(types)}"
        raise ModelLoadError(msg)
