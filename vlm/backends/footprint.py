"""How many bytes a loaded model holds and reads, its quantization state counted.

transformers' own `get_memory_footprint` leaves the state of quantized weights out (absmax of the 4-bit blocks, scales
of the 8-bit rows), so that double quantization looks free; here every tensor is counted once. Measure before the first
forward pass: on a CPU bitsandbytes repacks its weights then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vlm.backends.quantizing import quantized_layers

STATE_FIELDS = ("absmax", "code", "offset")
ROW_FIELDS = ("CB", "SCB")


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of a model in memory.

    Attributes:
        weight_bytes: of parameters and buffers, quantized weights as they are stored.
        quant_state_bytes: of what quantization keeps beside them.
        saved_bytes: of the tensors in the file that saving this model would write.
        quantized_layers: how many layers are stored in 4 or 8 bits.
    """

    weight_bytes: int
    quant_state_bytes: int
    saved_bytes: int
    quantized_layers: int

    @property
    def total_bytes(self) -> int:
        """Weights and their quantization state."""
        return self.weight_bytes + self.quant_state_bytes


def footprint(model: Any) -> Footprint:  # noqa: ANN401 - torch is imported late
    """The bytes of a model that has not answered yet."""
    seen: set[int] = set()
    weights = sum(_new_bytes(tensor, seen) for tensor in (*model.parameters(), *model.buffers()))
    states = sum(_new_bytes(tensor, seen) for owner in model.parameters() for tensor in state_tensors(owner))
    saved: set[int] = set()
    stored = sum(_new_bytes(value, saved) for value in model.state_dict().values() if hasattr(value, "data_ptr"))
    return Footprint(weights, states, stored, len(quantized_layers(model)))


def state_tensors(parameter: Any) -> Iterator[Any]:  # noqa: ANN401 - torch is imported late
    """What quantization keeps beside one parameter; nothing for a whole one."""
    state = getattr(parameter, "quant_state", None)
    for part in (state, getattr(state, "state2", None)):
        yield from (getattr(part, name) for name in STATE_FIELDS if getattr(part, name, None) is not None)
    yield from (getattr(parameter, name) for name in ROW_FIELDS if getattr(parameter, name, None) is not None)


def module_bytes(module: Any) -> int:  # noqa: ANN401 - torch is imported late
    """Bytes of a module's own parameters and their quantization state, each tensor once."""
    seen: set[int] = set()
    owned = list(module.parameters(recurse=False))
    return sum(_new_bytes(tensor, seen) for owner in owned for tensor in (owner, *state_tensors(owner)))


def _new_bytes(tensor: Any, seen: set[int]) -> int:  # noqa: ANN401 - torch is imported late
    """The tensor's bytes, 0 when its storage was counted before (tied weights, aliases)."""
    place = tensor.data_ptr()
    if place in seen:
        return 0
    seen.add(place)
    return int(tensor.numel() * tensor.element_size())


def bytes_per_token(model: Any, step: Any) -> int:  # noqa: ANN401 - torch is imported late
    """Bytes of weights that one decoding step reads, found by watching which modules it runs.

    An embedding table is read row by row: one row for each index. Everything else is read whole.

    Args:
        model: that `step` runs, uncompiled.
        step: callable without arguments: one token through the model.
    """
    sizes = {name: module_bytes(module) for name, module in model.named_modules()}
    read: dict[str, int] = {}
    hooks = [
        module.register_forward_hook(_reader(name, sizes[name], read))
        for name, module in model.named_modules()
        if sizes[name]
    ]
    try:
        step()
    finally:
        for hook in hooks:
            hook.remove()
    return sum(read.values())


def _reader(name: str, size: int, read: dict[str, int]) -> Any:  # noqa: ANN401 - a hook of torch
    def hook(module: Any, _inputs: Any, output: Any) -> None:  # noqa: ANN401 - whatever the module returns
        from torch import nn

        rows = isinstance(module, nn.Embedding)
        read[name] = read.get(name, 0) + output.numel() * output.element_size() if rows else size

    return hook
