"""The embedded model's architecture: standard transformers classes only, so that no remote code is ever needed.

FastVLM (its projector flattens a convolutional map to tokens), a small ResNet as tower, an OPT decoder. Chosen for
what learns on two CPU cores: convolutions find a nodule in thousands of images where a plain ViT stays blind, and
OPT's *learned* position embeddings tell the decoder which cell of the image each token is.
"""

from __future__ import annotations

from typing import Any

SIDE_PX = 320
STRIDE_PX = 32
GRID = SIDE_PX // STRIDE_PX  # cells a side; one image token each, row by row
IMAGE_TOKENS = GRID * GRID
TOWER_WIDTHS = (24, 64, 128, 256)
TOWER_DEPTHS = (1, 2, 2, 2)
TEXT_WIDTH = 192
TEXT_LAYERS = 4
TEXT_HEADS = 6
MAX_POSITIONS = 1024


def tower_config() -> Any:  # noqa: ANN401 - transformers types must not be imported with this module
    """The ResNet tower: strides 4, 8, 16, 32."""
    from transformers import ResNetConfig

    return ResNetConfig(
        num_channels=3,
        embedding_size=TOWER_WIDTHS[0],
        hidden_sizes=list(TOWER_WIDTHS),
        depths=list(TOWER_DEPTHS),
        layer_type="basic",
        hidden_act="relu",
        hidden_size=TOWER_WIDTHS[-1],
    )


def model_config(*, vocabulary: int, image_token_id: int, pad_id: int, bos_id: int, eos_id: int) -> Any:  # noqa: ANN401
    """The whole model's configuration for a tokenizer of that many tokens."""
    from transformers import FastVlmConfig, OPTConfig

    text = OPTConfig(
        vocab_size=vocabulary,
        hidden_size=TEXT_WIDTH,
        word_embed_proj_dim=TEXT_WIDTH,
        ffn_dim=4 * TEXT_WIDTH,
        num_hidden_layers=TEXT_LAYERS,
        num_attention_heads=TEXT_HEADS,
        max_position_embeddings=MAX_POSITIONS,
        dropout=0.0,
        attention_dropout=0.0,
        layerdrop=0.0,
        activation_function="gelu",
        pad_token_id=pad_id,
        bos_token_id=bos_id,
        eos_token_id=eos_id,
        tie_word_embeddings=False,
    )
    return FastVlmConfig(
        vision_config=tower_config(),
        text_config=text,
        image_token_index=image_token_id,
        image_seq_length=IMAGE_TOKENS,
        projector_hidden_act="gelu",
        tie_word_embeddings=False,
    )
