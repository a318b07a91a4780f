"""Loading a model from a local folder, or refusing to: nothing is downloaded, nothing remote or pickled is run.

The weights' SHA-256 is checked before they are read. Quantized loading proves that it happened: transformers skips
modules by the start of their full name, and a name that matches nothing skips nothing, silently.
"""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass
from typing import Any

from vlm.errors import ModelLoadError
from vlm.model_spec import ModelSpec, Quantization

WEIGHTS = "model.safetensors"
LANGUAGE_MODEL = "model.language_model."
KEPT_WHOLE = ("model.vision_tower", "model.multi_modal_projector", "lm_head")
QUANTIZED_LAYERS = {Quantization.INT8: "Linear8bitLt", Quantization.NF4: "Linear4bit"}
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory.

    Attributes:
        model: in evaluation mode.
        processor: image processor and tokenizer, with the chat template that lays out a prompt.
        device: "cuda" where there is one, else "cpu".
    """

    model: Any
    processor: Any
    device: str


def load(spec: ModelSpec) -> Loaded:
    """The model of a spec, from its folder only.

    Raises:
        ModelLoadError: the weights are absent or others than the spec names, files are missing or damaged, parameters
            are missing from the weights, or quantization did not take hold where it should.
    """
    verify_weights(spec)
    quiet_libraries()
    try:
        loaded = _from_folder(spec)
    except ModelLoadError:
        raise
    except Exception as fault:  # whatever a library makes of a damaged folder
        msg = (
            f"{spec.model_id} cannot be loaded from {spec.folder} ({type(fault).__name__}): restore the folder's files"
        )
        raise ModelLoadError(msg) from fault
    verify_quantization(loaded.model, spec.quantization)
    return loaded


def verify_weights(spec: ModelSpec) -> None:
    """Refuse weights that are not, byte for byte, those of the spec."""
    path = spec.local_folder / WEIGHTS
    if not path.is_file():
        msg = f"no weights at {path}: only {WEIGHTS} is read, restore it"
        raise ModelLoadError(msg)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    if digest.hexdigest() != spec.weights_sha256:
        msg = f"the weights at {path} have SHA-256 {digest.hexdigest()}, not {spec.weights_sha256}: restore the file"
        raise ModelLoadError(msg)


def quiet_libraries() -> None:
    """Keep the libraries offline, and their per-matmul warnings and progress bars out of the log."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


def _from_folder(spec: ModelSpec) -> Loaded:
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = getattr(torch, spec.dtype)
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    quantized = {} if spec.quantization is Quantization.NONE else {"quantization_config": _bits_and_bytes(spec, dtype)}
    model, info = AutoModelForImageTextToText.from_pretrained(
        spec.local_folder,
        dtype=dtype,
        device_map={"": device},
        use_safetensors=True,
        output_loading_info=True,
        **local,
        **quantized,
    )
    absent = sorted(info["missing_keys"]) + sorted(str(key) for key in info["mismatched_keys"])
    if absent:
        msg = (
            f"{len(absent)} parameters, {absent[0]} among them, are not in the weights of {spec.model_id}: export again"
        )
        raise ModelLoadError(msg)
    processor = AutoProcessor.from_pretrained(spec.local_folder, **local)
    return Loaded(model.eval(), processor, device)


def _bits_and_bytes(spec: ModelSpec, dtype: Any) -> Any:  # noqa: ANN401 - transformers and torch are imported late
    from transformers import BitsAndBytesConfig

    skipped = list(KEPT_WHOLE)
    if spec.quantization is Quantization.INT8:
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=skipped)
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype, llm_int8_skip_modules=skipped
    )


def quantized_layers(model: Any) -> tuple[str, ...]:  # noqa: ANN401 - transformers is imported late
    """Full names of the layers that are stored in 4 or 8 bits."""
    kinds = set(QUANTIZED_LAYERS.values())
    return tuple(name for name, module in model.named_modules() if type(module).__name__ in kinds)


def verify_quantization(model: Any, quantization: Quantization) -> None:  # noqa: ANN401 - transformers is imported late
    """Refuse a model whose language model is not quantized as asked, or whose tower, projector or head is."""
    names = quantized_layers(model)
    wanted = quantization is not Quantization.NONE
    strays = [name for name in names if not name.startswith(LANGUAGE_MODEL)]
    if strays or wanted != bool(names):
        msg = (
            f"quantization {quantization.value} left {len(names)} quantized layers, {len(strays)} of them outside of "
            f"{LANGUAGE_MODEL}*: name the modules to keep whole in full ({', '.join(KEPT_WHOLE)})"
        )
        raise ModelLoadError(msg)
