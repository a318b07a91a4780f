"""The weights files of a local model, checked before any library opens them: only safetensors, only those listed.

Every listed file must be there with its SHA-256, and the index of a sharded model may name no other. Pickled weights
(`.bin`, `.pt`, `.pth`, `.ckpt`, `.pkl`) run code when they are opened: a folder whose index names one is refused, and
one that merely lies there is never opened (`use_safetensors=True`).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from vlm.errors import ModelLoadError
from vlm.model_spec import ModelSpec

WEIGHTS: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
PICKLED: Final = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
CHUNK_BYTES: Final = 1 << 20


def verify_weights(spec: ModelSpec) -> None:
    """Refuse weights that are not, byte for byte and file for file, those of the spec.

    Raises:
        ModelLoadError: a file is absent, has another content, or the index names files that the spec does not list.
    """
    listed = dict(spec.files_sha256) or {WEIGHTS: spec.weights_sha256}
    folder = spec.local_folder
    _refuse_other_files(folder, listed)
    for name, digest in listed.items():
        _verify_file(folder / name, digest)


def _verify_file(path: Path, digest: str) -> None:
    if not path.is_file():
        msg = f"no weights at {path}: only the safetensors files that the spec lists are read ({WEIGHTS}), restore it"
        raise ModelLoadError(msg)
    found = sha256_of(path)
    if found != digest:
        msg = f"the weights at {path} have SHA-256 {found}, not {digest}: restore the file"
        raise ModelLoadError(msg)


def sha256_of(path: Path) -> str:
    """A file's SHA-256, hexadecimal; read in pieces, so that a file of many GB needs no memory."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _refuse_other_files(folder: Path, listed: dict[str, str]) -> None:
    """What transformers would read must be what was listed: one file, or exactly the files of the index."""
    if list(listed) == [WEIGHTS]:
        return  # the plain file is read before any index
    if (folder / WEIGHTS).exists():
        msg = f"{folder} holds {WEIGHTS} beside the shards, and would be read instead of them: remove it, or list it"
        raise ModelLoadError(msg)
    named = _indexed(folder / INDEX)
    pickled = sorted(name for name in named if name.endswith(PICKLED))
    if pickled:
        msg = f"{folder / INDEX} names {pickled[0]}: pickled weights run code when opened, convert them to safetensors"
        raise ModelLoadError(msg)
    if named != set(listed):
        odd = sorted(named ^ set(listed))
        msg = f"{folder / INDEX} and the spec's files_sha256 differ in {', '.join(odd)}: list exactly the index's files"
        raise ModelLoadError(msg)


def _indexed(path: Path) -> set[str]:
    """The file names in an index.

    Raises:
        ModelLoadError: there is no index, or it is not one.
    """
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()
        return {str(name) for name in names}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as fault:
        msg = f"no readable index at {path} ({type(fault).__name__}): a sharded model needs it, restore it"
        raise ModelLoadError(msg) from fault
