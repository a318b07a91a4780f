"""MAIRA-2's checkpoint on transformers' own classes: LLaVA over DINOv2 and Llama. No remote code is run or needed.

What MAIRA-2's published code adds to LLaVA is two things, and both are made here from torch's modules: the projector
has four linear layers instead of two, and the image features are DINOv2's last hidden states *after* its final layer
norm (LLaVA takes them before). The norm is therefore the projector's first step here, with the tower's own weights, and
the tower's is left out. Tensor names of the checkpoint are renamed on the way in.

Not here: MAIRA-2's prompt and boxes (`vlm.families`, `grounding.codecs.maira2`). No weights of it were at hand: the
mapping is tested with random weights of the same architecture against a plain recomputation.

Source: Bannur et al., "MAIRA-2: Grounded Radiology Report Generation", arXiv:2406.04449.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vlm.errors import ModelLoadError

MODEL_TYPE: Final = "maira2"
PROJECTOR: Final = "model.multi_modal_projector"
DEFAULT_LAYERS: Final = 4
BACKBONE_ONLY: Final = ("apply_layernorm", "reshape_hidden_states", "out_features", "out_indices", "stage_names")
OUTER: Final = ("image_token_index", "pad_token_id", "projector_hidden_act", "vision_feature_layer")


def configuration(folder: Path) -> Any:  # noqa: ANN401 - transformers is imported late
    """The LLaVA configuration that a MAIRA-2 folder's `config.json` amounts to.

    Raises:
        ModelLoadError: it is not MAIRA-2's, or asks for what this mapping does not do.
    """
    from transformers import Dinov2Config, LlamaConfig, LlavaConfig

    given = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    _refuse_other_shapes(given, folder)
    vision = {name: value for name, value in given["vision_config"].items() if name not in BACKBONE_ONLY}
    config = LlavaConfig(
        vision_config=Dinov2Config(**vision),
        text_config=LlamaConfig(**given["text_config"]),
        vision_feature_select_strategy="default",
        **{name: given[name] for name in OUTER if name in given},
    )
    config.projector_n_layers = int(given.get("projector_n_layers", DEFAULT_LAYERS))
    return config


def _refuse_other_shapes(given: Mapping[str, Any], folder: Path) -> None:
    """Only what was published: features of the tower's last layer, normed, without the class token."""
    vision = given.get("vision_config", {})
    wanted = {
        "model_type": (given.get("model_type"), MODEL_TYPE),
        "vision_config.model_type": (vision.get("model_type"), "dinov2"),
        "text_config.model_type": (given.get("text_config", {}).get("model_type"), "llama"),
        "vision_feature_layer": (given.get("vision_feature_layer"), -1),
        "vision_feature_select_strategy": (given.get("vision_feature_select_strategy", "default"), "default"),
        "vision_config.apply_layernorm": (vision.get("apply_layernorm", True), True),
        "vision_config.reshape_hidden_states": (vision.get("reshape_hidden_states", False), False),
    }
    odd = [f"{name}={found!r}" for name, (found, right) in wanted.items() if found != right]
    if odd:
        msg = f"{folder}/config.json is not MAIRA-2 as published ({', '.join(odd)}): reach it through a server instead"
        raise ModelLoadError(msg)


def model_class() -> Any:  # noqa: ANN401 - transformers is imported late
    """LLaVA with MAIRA-2's projector: a class, since `from_pretrained` is called on it."""
    from torch.nn import Identity
    from transformers import LlavaForConditionalGeneration

    class Maira2Llava(LlavaForConditionalGeneration):
        """`LlavaForConditionalGeneration`, but for the projector and the place of the tower's last norm."""

        def __init__(self, config: Any) -> None:  # noqa: ANN401
            super().__init__(config)
            self.model.vision_tower.layernorm = Identity()
            self.model.multi_modal_projector = _projector(config)
            self.post_init()

    return Maira2Llava


def _projector(config: Any) -> Any:  # noqa: ANN401
    """Layer norm, then linear layers with the activation between them."""
    from torch.nn import LayerNorm, Linear, Sequential
    from transformers.activations import ACT2FN

    seen, said = config.vision_config.hidden_size, config.text_config.hidden_size
    layers = [LayerNorm(seen, eps=config.vision_config.layer_norm_eps), Linear(seen, said)]
    for _ in range(config.projector_n_layers - 1):
        layers += [ACT2FN[config.projector_hidden_act], Linear(said, said)]
    return Sequential(*layers)


def key_mapping(layers: int) -> dict[str, str]:
    """Patterns over the checkpoint's tensor names, and what each becomes.

    The checkpoint counts its projector's modules without the norm, so each number grows by one.
    """
    numbers = {rf"^multi_modal_projector\.layers\.{n}\.": f"{PROJECTOR}.{n + 1}." for n in range(2 * layers)}
    return {
        r"^vision_tower\.layernorm\.": f"{PROJECTOR}.0.",
        r"^vision_tower\.": "model.vision_tower.",
        r"^language_model\.model\.": "model.language_model.",
        r"^language_model\.lm_head\.": "lm_head.",
        **numbers,
    }


def processor(folder: Path, config: Any) -> Any:  # noqa: ANN401 - transformers is imported late
    """LLaVA's processor, told how many tokens an image has: one for each patch, the class token dropped."""
    from transformers import AutoImageProcessor, AutoTokenizer, LlavaProcessor

    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    return LlavaProcessor(
        image_processor=AutoImageProcessor.from_pretrained(folder, backend="pil", **local),
        tokenizer=AutoTokenizer.from_pretrained(folder, **local),
        patch_size=config.vision_config.patch_size,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=chat_template(folder),
    )


def chat_template(folder: Path) -> str | None:
    """The folder's own chat template, in the new file or the old one; None when it has none."""
    new, old = folder / "chat_template.jinja", folder / "chat_template.json"
    if new.is_file():
        return new.read_text(encoding="utf-8")
    if old.is_file():
        return str(json.loads(old.read_text(encoding="utf-8"))["chat_template"])
    return None
