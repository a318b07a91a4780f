"""Which model, exactly: the spec from which a backend is built and the identity stored with each draft.

A model lies in a local folder, or is served at an endpoint that the site listed; never both, never neither. A folder's
weights are known by their hashes. What a server runs cannot be hashed from here: its revision is as the site declares.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from vlm.errors import ModelLoadError

SHA256: Final = re.compile(r"[0-9a-f]{64}")
SHARD: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*\.safetensors")


class Quantization(StrEnum):
    """How the language model's linear layers are stored; the vision tower, projector and head stay whole.

    `NF4_DOUBLE` also stores the scales of the 4-bit blocks in 8 bits (bitsandbytes' double quantization).
    """

    NONE = "none"
    INT8 = "int8"
    NF4 = "nf4"
    NF4_DOUBLE = "nf4-double"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model that can draft.

    Attributes:
        model_id: its name in the registry and in every draft.
        folder: local folder with config, processor and safetensors, nothing is downloaded; None for a served model.
        weights_sha256: of `model.safetensors`; loading refuses any other content. "" where `files_sha256` or an
            endpoint stands in for it.
        codec: name and version of the grounding codec that reads its answers.
        prompt: name of the prompt template file in `vlm/prompts/`.
        input_side_px: side of the square model input; for a family that resizes freely, the longest side.
        quantization, dtype: as it will be loaded; of a served model, as the site declares it.
        max_new_tokens: longest answer.
        family: name in `vlm.families`: how the image is fitted, which modules stay whole.
        files_sha256: of each weights file of a sharded model, (file name, SHA-256), names in order; no other is read.
        endpoint: base URL of an OpenAI-compatible server ("http://127.0.0.1:8000/v1"); None for a local folder.
        served_name: the model's name on that server.
        key_variable: name of the environment variable that holds the server's key; the key is never part of a spec.
        revision: the hub commit, or whatever the site calls this version; "" when the hashes say it all.
        self_test: what its coordinate self-test said, in one line; filled by `vlm.self_test_record.offered`.
    """

    model_id: str
    folder: Path | None
    weights_sha256: str
    codec: str
    prompt: str
    input_side_px: int
    quantization: Quantization = Quantization.NONE
    dtype: str = "float32"
    max_new_tokens: int = 320
    family: str = "overread"
    files_sha256: tuple[tuple[str, str], ...] = ()
    endpoint: str | None = None
    served_name: str | None = None
    key_variable: str | None = None
    revision: str = ""
    self_test: str | None = None

    def __post_init__(self) -> None:
        """Refuse a model that is nowhere, in two places, or whose content nothing pins."""
        if (self.folder is None) == (self.endpoint is None):
            msg = f"{self.model_id} is in a folder or at an endpoint: give exactly one of folder and endpoint"
            raise ValueError(msg)
        if self.endpoint is None:
            self._refuse_unpinned()
        else:
            self._refuse_unnamed()

    def _refuse_unpinned(self) -> None:
        """A folder's weights are one hash, or a list of files with a hash each; and no server's fields."""
        if bool(self.weights_sha256) == bool(self.files_sha256):
            msg = f"{self.model_id} needs weights_sha256 (one file) or files_sha256 (shards): give exactly one"
            raise ValueError(msg)
        if self.served_name is not None or self.key_variable is not None:
            msg = f"{self.model_id} is in a folder: served_name and key_variable belong to an endpoint, leave them out"
            raise ValueError(msg)
        hashes = (self.weights_sha256,) if self.weights_sha256 else tuple(digest for _, digest in self.files_sha256)
        if not all(SHA256.fullmatch(digest) for digest in hashes):
            msg = f"{self.model_id} has a hash that is no SHA-256: write 64 lower-case hexadecimal digits"
            raise ValueError(msg)
        names = [name for name, _ in self.files_sha256]
        if names != sorted(set(names)) or not all(SHARD.fullmatch(name) for name in names):
            msg = f"{self.model_id} lists the weights files {names}: each .safetensors file once, in order, no folders"
            raise ValueError(msg)

    def _refuse_unnamed(self) -> None:
        """A server is asked for a model by its name there; it has no files of ours."""
        if not self.served_name:
            msg = f"{self.model_id} is at an endpoint: give served_name, the model's name on that server"
            raise ValueError(msg)
        if self.weights_sha256 or self.files_sha256:
            msg = f"{self.model_id} is at an endpoint, whose files cannot be hashed from here: give revision instead"
            raise ValueError(msg)

    @property
    def local_folder(self) -> Path:
        """The folder of a model that has one.

        Raises:
            ModelLoadError: the model is served.
        """
        if self.folder is None:
            msg = f"{self.model_id} is served at an endpoint and has no folder here: ask it through its server backend"
            raise ModelLoadError(msg)
        return self.folder

    @property
    def content(self) -> str:
        """What a draft stores as its model's revision.

        One file: its SHA-256. Shards: the SHA-256 of their names and hashes, one "hash  name" line each, as `sha256sum`
        prints them. A server: what the site declares, marked as declared, since nothing was checked.

        >>> from pathlib import Path
        >>> ModelSpec("m", None, "", "maira2@1", "p", 518, endpoint="http://127.0.0.1/v1", served_name="s").content
        'declared:not stated'
        """
        if self.endpoint is not None:
            return f"declared:{self.revision or 'not stated'}"
        if self.weights_sha256:
            return self.weights_sha256
        listed = "".join(f"{digest}  {name}\n" for name, digest in self.files_sha256)
        return hashlib.sha256(listed.encode("ascii")).hexdigest()
