"""Which linear layers bitsandbytes stores in 4 or 8 bits, and the proof that it took hold there and nowhere else.

transformers skips modules by the start of their full name, and a name that matches nothing skips nothing, silently. So
the list is predicted from the configuration alone, before loading, and compared layer by layer afterwards.

The compute dtype is bfloat16 on a GPU: with float16 Gemma-3 answers nothing at all (bitsandbytes issue 1572). On a CPU
it is the model's own dtype, since what runs there is small.

Source: Dettmers et al., "QLoRA", arXiv:2305.14314 (NF4, double quantization); "LLM.int8()", arXiv:2208.07339.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from vlm.errors import ModelLoadError
from vlm.model_spec import Quantization

LAYER_KINDS: Final = {
    Quantization.INT8: "Linear8bitLt",
    Quantization.NF4: "Linear4bit",
    Quantization.NF4_DOUBLE: "Linear4bit",
}
SHOWN = 3


def bits_and_bytes(quantization: Quantization, *, kept_whole: Sequence[str], compute_dtype: Any) -> Any:  # noqa: ANN401
    """The configuration for transformers.

    Args:
        quantization: int8, nf4 or nf4-double.
        kept_whole: full names of the modules that stay as they are, with all that is in them.
        compute_dtype: torch dtype of 4-bit matrix products.
    """
    from transformers import BitsAndBytesConfig

    if quantization is Quantization.INT8:
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=list(kept_whole))
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=quantization is Quantization.NF4_DOUBLE,
        bnb_4bit_compute_dtype=compute_dtype,
        llm_int8_skip_modules=list(kept_whole),
    )


def linear_layers(model: Any, *, kept_whole: Sequence[str]) -> tuple[str, ...]:  # noqa: ANN401
    """Full names of a whole model's linear layers outside of the modules that stay whole: what is to be quantized.

    Raises:
        ModelLoadError: a module that is to stay whole is not there: its name would keep nothing whole.
    """
    from torch.nn import Linear

    modules = dict(model.named_modules())
    absent = [name for name in kept_whole if name not in modules]
    if absent:
        msg = f"no module of the model is named {absent[0]!r}, which is to stay whole: write its full name"
        raise ModelLoadError(msg)
    return tuple(
        name
        for name, module in modules.items()
        if isinstance(module, Linear) and not any(name == kept or name.startswith(f"{kept}.") for kept in kept_whole)
    )


def quantized_layers(model: Any) -> tuple[str, ...]:  # noqa: ANN401 - transformers is imported late
    """Full names of the layers that are stored in 4 or 8 bits."""
    kinds = set(LAYER_KINDS.values())
    return tuple(name for name, module in model.named_modules() if type(module).__name__ in kinds)


def verify_quantization(model: Any, quantization: Quantization, *, predicted: Sequence[str]) -> None:  # noqa: ANN401
    """Refuse a model whose quantized layers are not exactly the predicted ones, or are of another kind than asked.

    Args:
        model: as loaded.
        quantization: as asked.
        predicted: names that `linear_layers` gave for the same configuration; empty for an unquantized model.

    Raises:
        ModelLoadError: a layer is quantized that should be whole, or the other way round.
    """
    wanted = LAYER_KINDS.get(quantization)
    right = {name for name, module in model.named_modules() if type(module).__name__ == wanted}
    strays = sorted(set(quantized_layers(model)) - (right & set(predicted)))
    missed = sorted(set(predicted) - right)
    if strays or missed or (wanted is not None and not predicted):
        named = ", ".join([*strays[:SHOWN], *missed[:SHOWN]]) or "none"
        msg = (
            f"quantization {quantization.value}: {len(strays)} layers quantized that must stay whole and {len(missed)} "
            f"whole that must not, of {len(predicted)} predicted ({named}): load it unquantized, or name the modules "
            "to keep whole in full in vlm.backends.architectures"
        )
        raise ModelLoadError(msg)
