"""Loading a model from a local folder, or refusing to: nothing is downloaded, nothing remote or pickled is run.

Hashes first (`vlm.backends.weights_files`), then the family's own classes (`vlm.backends.architectures`), then proofs:
every parameter came from the weights, the input's side is one that the tower takes, and exactly the predicted layers
are quantized (`vlm.backends.quantizing`).
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Any

from vlm.backends.architectures import LOCAL, Architecture, architecture_of, keep_geometry
from vlm.backends.quantizing import bits_and_bytes, linear_layers, verify_quantization
from vlm.backends.weights_files import verify_weights
from vlm.errors import ModelLoadError
from vlm.model_spec import ModelSpec, Quantization

DTYPES = ("float32", "bfloat16")  # float16 overflows in Gemma-3, whose answers are then empty


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
        ModelLoadError: the weights are absent or others than the spec lists, files are missing or damaged, parameters
            are missing from the weights, the folder is of another family, or quantization did not take hold where it
            should.
    """
    architecture = architecture_of(spec.family)
    verify_weights(spec)
    quiet_libraries()
    try:
        return _from_folder(spec, architecture)
    except ModelLoadError:
        raise
    except Exception as fault:  # whatever a library makes of a damaged folder
        msg = (
            f"{spec.model_id} cannot be loaded from {spec.folder} ({type(fault).__name__}): restore the folder's files"
        )
        raise ModelLoadError(msg) from fault


def quiet_libraries() -> None:
    """Keep the libraries offline, and their per-matmul warnings and progress bars out of the log."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


def _from_folder(spec: ModelSpec, architecture: Architecture) -> Loaded:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    config = architecture.configuration(spec.local_folder)
    _refuse_other_family(spec, architecture, config)
    predicted = _predicted(spec, architecture, config)
    model, info = architecture.model(config).from_pretrained(
        spec.local_folder,
        config=config,
        dtype=_dtype(spec),
        device_map={"": device},
        use_safetensors=True,
        output_loading_info=True,
        key_mapping=architecture.key_mapping(config) or None,
        **LOCAL,
        **_quantized(spec, architecture, device),
    )
    _refuse_absent(spec, info)
    verify_quantization(model, spec.quantization, predicted=predicted)
    processor = architecture.processor(spec.local_folder, config)
    keep_geometry(processor)
    return Loaded(model.eval(), processor, device)


def _dtype(spec: ModelSpec) -> Any:  # noqa: ANN401 - torch is imported late
    import torch

    if spec.dtype not in DTYPES:
        msg = f"{spec.model_id} is to be loaded as {spec.dtype}: take one of {', '.join(DTYPES)}"
        raise ModelLoadError(msg)
    return getattr(torch, spec.dtype)


def _refuse_other_family(spec: ModelSpec, architecture: Architecture, config: Any) -> None:  # noqa: ANN401
    """A folder of another family, or a side of input that its tower does not take."""
    if config.model_type not in architecture.model_types:
        msg = f"{spec.folder} holds a {config.model_type} model, which is not of the family {spec.family}: name its own"
        raise ModelLoadError(msg)
    side, step = architecture.input_side(config), architecture.input_step(config)
    if side not in (None, spec.input_side_px) or spec.input_side_px % step:
        wanted = f"{side}" if side is not None else f"a multiple of {step}"
        msg = f"{spec.model_id} sees {wanted} px, its spec says input_side_px={spec.input_side_px}: mend the spec"
        raise ModelLoadError(msg)


def _predicted(spec: ModelSpec, architecture: Architecture, config: Any) -> tuple[str, ...]:  # noqa: ANN401
    """The layers that must come out quantized, by the configuration alone: an empty model on no device is built of it.

    None for a model that stays whole.
    """
    if spec.quantization is Quantization.NONE:
        return ()
    import torch

    made = architecture.model(config)
    with torch.device("meta"):
        empty = made.from_config(config) if hasattr(made, "from_config") else made(config)
    return linear_layers(empty, kept_whole=architecture.kept_whole)


def _quantized(spec: ModelSpec, architecture: Architecture, device: str) -> dict[str, Any]:
    import torch

    if spec.quantization is Quantization.NONE:
        return {}
    compute = torch.bfloat16 if device == "cuda" else _dtype(spec)
    return {
        "quantization_config": bits_and_bytes(
            spec.quantization, kept_whole=architecture.kept_whole, compute_dtype=compute
        )
    }


def _refuse_absent(spec: ModelSpec, info: dict[str, Any]) -> None:
    """Every parameter comes from the weights: one that did not would be random, and the draft with it."""
    absent = sorted(info["missing_keys"]) + sorted(str(key) for key in info["mismatched_keys"])
    if absent:
        msg = (
            f"{len(absent)} parameters, {absent[0]} among them, are not in the weights of {spec.model_id}: export again"
        )
        raise ModelLoadError(msg)
