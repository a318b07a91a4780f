"""Which model, exactly: the spec from which a backend is built and the identity stored with each draft."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Quantization(StrEnum):
    """How the language model's linear layers are stored; the vision tower, projector and head stay whole."""

    NONE = "none"
    INT8 = "int8"
    NF4 = "nf4"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model that can draft.

    Attributes:
        model_id: its name in the registry and in every draft.
        folder: local folder with config, processor and safetensors; nothing is downloaded.
        weights_sha256: of `model.safetensors`; loading refuses any other content.
        codec: name and version of the grounding codec that reads its answers.
        prompt: name of the prompt template file in `vlm/prompts/`.
        input_side_px: side of the square model input.
        quantization, dtype: as it will be loaded.
    """

    model_id: str
    folder: Path
    weights_sha256: str
    codec: str
    prompt: str
    input_side_px: int
    quantization: Quantization = Quantization.NONE
    dtype: str = "float32"
    max_new_tokens: int = 320
