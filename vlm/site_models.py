"""The site's own models: a JSON file that the site writes, checked at the door (pydantic) and nowhere else.

Only what is listed here is ever loaded or asked, so without the file nothing but the embedded model exists and no
network is used. A folder is pinned by the SHA-256 of every weights file; an endpoint is an address that the site chose.
A server's key is never in the file: the file names the environment variable that holds it.

    {"models": [
      {"model_id": "medgemma-1.5-4b", "family": "gemma3", "folder": "/models/medgemma-1.5-4b-it",
       "files_sha256": {"model-00001-of-00002.safetensors": "...", "model-00002-of-00002.safetensors": "..."},
       "input_side_px": 896, "dtype": "bfloat16", "quantization": "nf4-double", "max_new_tokens": 1200},
      {"model_id": "qwen3-vl-8b", "family": "qwen3_vl", "endpoint": "http://127.0.0.1:8000/v1",
       "served_name": "Qwen/Qwen3-VL-8B-Instruct", "key_variable": "VLLM_KEY", "input_side_px": 1024,
       "revision": "the commit that the server was started with"}
    ]}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from vlm.endpoint import fault_of
from vlm.errors import SiteModelsError
from vlm.families import family_named
from vlm.model_spec import ModelSpec, Quantization

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z_][A-Z0-9_]{0,63}$")]
FILE_FIELDS = ("models",)
LARGEST_FILE = 1 << 20


class ModelEntry(BaseModel):
    """One model of the site; codec and prompt come from its family.

    Attributes:
        model_id: what `--model` and every draft call it.
        family: of `vlm.families`.
        folder, weights_sha256, files_sha256: a local model: one weights file, or each shard with its hash.
        endpoint, served_name, key_variable: a served one.
        input_side_px, quantization, dtype, max_new_tokens, revision: as in `vlm.model_spec.ModelSpec`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model_id: Name
    family: Short
    folder: Short | None = None
    weights_sha256: Digest | None = None
    files_sha256: dict[Short, Digest] = Field(default_factory=dict)
    endpoint: Short | None = None
    served_name: Short | None = None
    key_variable: Variable | None = None
    input_side_px: Annotated[int, Field(strict=True, ge=28, le=4096)]
    quantization: Quantization = Quantization.NONE
    dtype: Literal["float32", "bfloat16"] = "bfloat16"
    max_new_tokens: Annotated[int, Field(strict=True, ge=16, le=8192)] = 1200
    revision: str = ""


class _SiteFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    models: tuple[ModelEntry, ...]


def read_site_models(path: Path | None) -> tuple[ModelSpec, ...]:
    """The models that a site lists, in the order of its file; none without a file.

    Raises:
        SiteModelsError: the file is not one, names a family that is not known or an endpoint that must not be asked,
            or a model is in a folder and at an endpoint, in neither, or unpinned.
    """
    if path is None or not path.exists():
        return ()
    entries = _parsed(path).models
    names = [entry.model_id for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = f"{path.name} lists {twice[0]} twice: a draft names its model, so each name is one model"
        raise SiteModelsError(msg)
    return tuple(_spec(entry, path) for entry in entries)


def _parsed(path: Path) -> _SiteFile:
    """The file's form, checked; an error names the place and the rule, never the value (a key may stand there)."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            msg = f"{path.name} is larger than {LARGEST_FILE} bytes: it lists models, and holds no weights"
            raise SiteModelsError(msg)
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as fault:
        msg = f"{path.name} is not readable JSON ({type(fault).__name__}): mend it, or remove it"
        raise SiteModelsError(msg) from None
    try:
        return _SiteFile.model_validate(content)
    except ValidationError as error:
        msg = f"{path.name}, at {_place(error)}: see docs/models.md for the form"
        raise SiteModelsError(msg) from None


def _place(error: ValidationError) -> str:
    """Where and which rule; a name that the form does not have is not quoted."""
    known = {*FILE_FIELDS, *ModelEntry.model_fields}
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = ".".join(str(part) if isinstance(part, int) or part in known else "(another name)" for part in first["loc"])
    return f"{place or 'the top'}: {first['type'].replace('_', ' ')}"


def _spec(entry: ModelEntry, path: Path) -> ModelSpec:
    try:
        family = family_named(entry.family)
    except LookupError as fault:
        msg = f"{path.name}, {entry.model_id}: {fault}"
        raise SiteModelsError(msg) from None
    if entry.endpoint is not None:
        _refuse_address(entry.endpoint, f"{path.name}, {entry.model_id}")
    try:
        return ModelSpec(
            folder=None if entry.folder is None else _beside(entry.folder, path),
            weights_sha256=entry.weights_sha256 or "",
            codec=family.codec,
            prompt=family.prompt,
            files_sha256=tuple(sorted(entry.files_sha256.items())),
            **entry.model_dump(exclude={"folder", "weights_sha256", "files_sha256"}),
        )
    except ValueError as fault:
        msg = f"{path.name}: {fault}"
        raise SiteModelsError(msg) from None


def _beside(folder: str, path: Path) -> Path:
    """A relative folder is beside the file that names it, wherever the program runs."""
    return (path.parent / Path(folder).expanduser()).resolve()


def _refuse_address(endpoint: str, who: str) -> None:
    """An endpoint is one that may be asked (`vlm.endpoint`), and it carries no secret."""
    fault = fault_of(endpoint)
    if fault:
        msg = f"{who}: {fault}"
        raise SiteModelsError(msg)
