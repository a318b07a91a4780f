"""Folders of real architectures with random weights, small enough for a test; nothing here has learned anything."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

TURN = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}MARK{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
)
MARKS = {
    "gemma3": "<start_of_image>",
    "maira2": "<image>",
    "qwen2_5_vl": "<|vision_start|><|image_pad|><|vision_end|>",
    "qwen3_vl": "<|vision_start|><|image_pad|><|vision_end|>",
}
SPECIAL = {
    "gemma3": ("<start_of_image>", "<end_of_image>", "<image_soft_token>", "<end_of_turn>"),
    "maira2": ("<image>",),
    "qwen2_5_vl": ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
    "qwen3_vl": ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
}
NAMED = {"gemma3": {"boi_token": 0, "eoi_token": 1, "image_token": 2}, "maira2": {"image_token": 0}}
SIDES = {"gemma3": 56, "maira2": 42, "qwen2_5_vl": 84, "qwen3_vl": 64}
TEXT: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "max_position_embeddings": 8192,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
VISION: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "patch_size": 14,
}
SHARD = "100KB"


def tokenizer(family: str) -> Any:
    """Bytes and the family's own tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300 + len(SPECIAL[family]),
        special_tokens=["<pad>", "<s>", "</s>", *SPECIAL[family]],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(["a nodule in the left lung"], trainer)
    core.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])  # as Gemma's
    named = {name: SPECIAL[family][index] for name, index in NAMED.get(family, {}).items()}
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        extra_special_tokens=named or list(SPECIAL[family]),
        chat_template="<s>" + TURN.replace("MARK", MARKS[family]),
    )


def gemma3(folder: Path, tokens: Any) -> None:
    import torch
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3Processor
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    boi, eoi, image = tokens.convert_tokens_to_ids(list(SPECIAL["gemma3"][:3]))
    config = Gemma3Config(
        text_config={**TEXT, "vocab_size": len(tokens), "sliding_window": 64, "query_pre_attn_scalar": 32},
        vision_config={**VISION, "image_size": SIDES["gemma3"]},
        mm_tokens_per_image=4,
        boi_token_index=boi,
        eoi_token_index=eoi,
        image_token_index=image,
    )
    model = Gemma3ForConditionalGeneration(config)
    torch.nn.init.normal_(model.model.multi_modal_projector.mm_input_projection_weight)  # zero, else: a blind model
    model.generation_config.eos_token_id = [2, tokens.convert_tokens_to_ids("<end_of_turn>")]
    model.save_pretrained(folder, max_shard_size=SHARD)
    images = Gemma3ImageProcessorPil(
        size={"height": 28, "width": 28}
    )  # wrong on purpose, in every family, so that it shows
    Gemma3Processor(images, tokens, chat_template=tokens.chat_template, image_seq_length=4).save_pretrained(folder)


def qwen(folder: Path, tokens: Any, *, family: str) -> None:
    import transformers
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    start, end, image, video = tokens.convert_tokens_to_ids(list(SPECIAL[family]))
    newer = family == "qwen3_vl"
    size = 16 if newer else 14
    vision: dict[str, Any] = {
        "depth": 2,
        "hidden_size": 64,
        "num_heads": 2,
        "intermediate_size": 128,
        "out_hidden_size": 64,
        "patch_size": size,
        "spatial_merge_size": 2,
    }
    own = {"deepstack_visual_indexes": [0, 1]} if newer else {"fullatt_block_indexes": [1], "window_size": 56}
    rope = {"rope_type": "default", "mrope_section": [8, 4, 4], "rope_theta": 10000.0}
    config_class, model_class = (
        (transformers.Qwen3VLConfig, transformers.Qwen3VLForConditionalGeneration)
        if newer
        else (transformers.Qwen2_5_VLConfig, transformers.Qwen2_5_VLForConditionalGeneration)
    )
    config = config_class(
        text_config={**TEXT, "vocab_size": len(tokens), "rope_parameters": rope},
        vision_config={**vision, **own},
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
    )
    model = model_class(config)
    model.generation_config.eos_token_id = [2]
    model.save_pretrained(folder, max_shard_size=SHARD)
    Qwen2VLImageProcessorPil(patch_size=size, size={"shortest_edge": 64, "longest_edge": 1024}).save_pretrained(folder)
    tokens.save_pretrained(folder)


def maira2_parts(vocabulary: int) -> Any:
    """MAIRA-2's three parts as published: DINOv2 as a backbone, four linear layers, Llama."""
    import torch
    from transformers import Dinov2Backbone, Dinov2Config, LlamaConfig, LlamaForCausalLM

    vision = Dinov2Config(
        **{name: value for name, value in VISION.items() if name != "intermediate_size"},
        image_size=SIDES["maira2"],
        out_features=["stage2"],
        apply_layernorm=True,
        reshape_hidden_states=False,
    )
    tower = Dinov2Backbone(vision)
    torch.nn.init.normal_(tower.layernorm.weight, 1.0, 0.5)  # so that leaving it out, or doing it twice, shows
    torch.nn.init.normal_(tower.layernorm.bias, 0.0, 0.5)
    steps = [torch.nn.Linear(64, 64)]
    for _ in range(3):
        steps += [torch.nn.GELU(), torch.nn.Linear(64, 64)]
    projector = torch.nn.Module()
    projector.layers = torch.nn.Sequential(*steps)
    llama = LlamaForCausalLM(LlamaConfig(**TEXT, vocab_size=vocabulary, tie_word_embeddings=False))
    return tower.eval(), projector.eval(), llama.eval()


def maira2(folder: Path, tokens: Any) -> Any:
    """A folder as MAIRA-2's is laid out: its names of tensors, its `model_type`, its remote code, two shards."""
    from safetensors.torch import save_file
    from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

    parts = maira2_parts(len(tokens))
    names = ("vision_tower", "multi_modal_projector", "language_model")
    tensors = [
        {f"{name}.{key}": value.contiguous() for key, value in part.state_dict().items()}
        for name, part in zip(names, parts, strict=True)
    ]
    shards = ({**tensors[0], **tensors[1]}, tensors[2])
    files = [f"model-{index + 1:05d}-of-00002.safetensors" for index in range(2)]
    for file, held in zip(files, shards, strict=True):
        save_file(held, folder / file, metadata={"format": "pt"})
    weight_map = {key: file for file, held in zip(files, shards, strict=True) for key in held}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    config = {
        "model_type": "maira2",
        "architectures": ["Maira2ForConditionalGeneration"],
        "auto_map": {"AutoConfig": "configuration_maira2.Maira2Config"},
        "projector_n_layers": 4,
        "projector_hidden_act": "gelu",
        "vision_feature_layer": -1,
        "vision_feature_select_strategy": "default",
        "image_token_index": tokens.convert_tokens_to_ids("<image>"),
        "vision_config": json.loads(parts[0].config.to_json_string(use_diff=False)),
        "text_config": json.loads(parts[2].config.to_json_string(use_diff=False)),
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "configuration_maira2.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n")
    side = SIDES["maira2"] - 14
    BitImageProcessorPil(
        size={"shortest_edge": side},
        crop_size={"height": side, "width": side},
        image_mean=[0.53] * 3,
        image_std=[0.26] * 3,
    ).save_pretrained(folder)
    tokens.save_pretrained(folder)
    return parts


def build(family: str, folder: Path) -> Any:
    """A folder of that family; what it was built of, for MAIRA-2."""
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.manual_seed(0)
    tokens = tokenizer(family)
    if family == "gemma3":
        return gemma3(folder, tokens)
    if family == "maira2":
        return maira2(folder, tokens)
    return qwen(folder, tokens, family=family)


def hashes(folder: Path) -> dict[str, str]:
    """Name and SHA-256 of each weights file."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.safetensors"))}


def entry(family: str, folder: Path, **changes: Any) -> dict[str, Any]:
    """The folder as a site lists it."""
    given = {
        "model_id": f"tiny-{family}",
        "family": family,
        "folder": str(folder),
        "files_sha256": hashes(folder),
        "input_side_px": SIDES[family],
        "dtype": "float32",
        "max_new_tokens": 16,
    }
    return given | changes


def listed(path: Path, *entries: dict[str, Any]) -> Path:
    """A site's list of models."""
    path.write_text(json.dumps({"models": list(entries)}))
    return path
