"""Models of a published shape with random weights, to be timed where the real weights are not at hand.

A random model takes as long as a trained one and says nothing of quality. It is built only on a GPU: on a CPU four to
eight billion parameters would be neither built nor run in a reasonable time, so a CPU refuses before building.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlm.backends.architectures import architecture_of
from vlm.backends.quantizing import linear_layers, verify_quantization
from vlm.backends.timing import NotMeasurableError, Running
from vlm.model_spec import Quantization

SHAPES_FILE = Path(__file__).with_name("shapes.json")
INDICES = "image_grid_thw"


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape.

    Attributes:
        name: as the command line gives it.
        words: what it is the shape of.
        family: whose modules stay whole when it is quantized.
        config: of transformers, `model_type` among its fields.
        image_inputs: shape of each of the tower's inputs; of `image_grid_thw`, its values.
        prompt_tokens: those of the image and of a prompt of ordinary length.
    """

    name: str
    words: str
    family: str
    config: dict[str, Any]
    image_inputs: dict[str, list[Any]]
    prompt_tokens: int


def shapes(path: Path = SHAPES_FILE) -> tuple[Shape, ...]:
    """All shapes of the data file, in its order."""
    listed = json.loads(path.read_text(encoding="utf-8"))["shapes"]
    return tuple(Shape(name=name, **fields) for name, fields in listed.items())


def shaped(name: str, *, quantization: Quantization, dtype: str) -> Running:
    """A model of that shape on the GPU.

    Raises:
        NotMeasurableError: there is no GPU, or no such shape.
    """
    import torch

    found = [shape for shape in shapes() if shape.name == name]
    if not found:
        msg = f"no shape is named {name!r}: take one of {', '.join(shape.name for shape in shapes())}"
        raise NotMeasurableError(msg)
    if not torch.cuda.is_available():
        msg = f"{name} has billions of random parameters and is built only on a GPU: run this row on a CUDA machine"
        raise NotMeasurableError(msg)
    return built(found[0], quantization=quantization, dtype=dtype, device="cuda")


def built(shape: Shape, *, quantization: Quantization, dtype: str, device: str) -> Running:
    """The model itself: whole on the device first, then quantized layer by layer, and the quantized layers counted."""
    import torch

    made = getattr(torch, dtype)
    model = _random_model(shape, dtype=made, device=device)
    names = () if quantization is Quantization.NONE else _predicted(model, shape.family)
    for name in names:
        _quantize(model, name, quantization=quantization, compute_dtype=made)
    verify_quantization(model, quantization, predicted=names)
    return Running(model, {name: _input(name, given, made, device) for name, given in shape.image_inputs.items()})


def _random_model(shape: Shape, *, dtype: Any, device: str) -> Any:  # noqa: ANN401 - torch is imported late
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    fields = dict(shape.config)
    config = AutoConfig.for_model(fields.pop("model_type"), **fields)
    torch.manual_seed(0)
    with torch.device(device):
        return AutoModelForImageTextToText.from_config(config, dtype=dtype).eval()


def _predicted(model: Any, family: str) -> tuple[str, ...]:  # noqa: ANN401
    return linear_layers(model, kept_whole=architecture_of(family).kept_whole)


def _quantize(model: Any, name: str, *, quantization: Quantization, compute_dtype: Any) -> None:  # noqa: ANN401
    """Put a bitsandbytes layer with the same weights in the place of one linear layer."""
    parent, _, last = name.rpartition(".")
    owner = model.get_submodule(parent)
    setattr(owner, last, _quantized(getattr(owner, last), quantization=quantization, compute_dtype=compute_dtype))


def _quantized(linear: Any, *, quantization: Quantization, compute_dtype: Any) -> Any:  # noqa: ANN401
    from bitsandbytes.nn import modules

    kinds: Any = modules  # its classes carry no annotations
    given = (linear.in_features, linear.out_features, linear.bias is not None)
    weight, device = linear.weight.data.cpu(), linear.weight.device
    if quantization is Quantization.INT8:
        layer = kinds.Linear8bitLt(*given, has_fp16_weights=False, device="meta")
        layer.weight = kinds.Int8Params(weight, requires_grad=False, has_fp16_weights=False)
    else:
        fours = {"compress_statistics": quantization is Quantization.NF4_DOUBLE, "quant_type": "nf4"}
        layer = kinds.Linear4bit(*given, compute_dtype=compute_dtype, device="meta", **fours)
        layer.weight = kinds.Params4bit(weight, requires_grad=False, **fours)
    layer.bias = linear.bias
    return layer.to(device)


def _input(name: str, given: list[Any], dtype: Any, device: str) -> Any:  # noqa: ANN401
    """Noise of the given shape, or the given whole numbers."""
    import torch

    if name == INDICES:
        return torch.tensor(given, device=device)
    return torch.randn(given, device=device, dtype=dtype)
