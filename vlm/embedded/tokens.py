"""The embedded model's tokenizer and processor: byte-level BPE with one token per place step, built from its own notes.

Bytes are the fallback, so any note of any site can be read; the merges come from generated notes only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from grounding.codecs.cells import place_vocabulary
from vlm.embedded.architecture import SIDE_PX, STRIDE_PX

PAD, BOS, EOS, IMAGE, DRAFT = "<pad>", "<s>", "</s>", "<image>", "<draft>"
OBJ, END_OBJ, BOX, END_BOX = "<obj>", "</obj>", "<box>", "</box>"
SPECIAL: Final = (PAD, BOS, EOS, IMAGE, DRAFT, OBJ, END_OBJ, BOX, END_BOX, *place_vocabulary())
WORD_PIECES: Final = 1024


def compose(prompt: str, *, images: int) -> str:
    """The text the processor is given: start, the image's placeholder, the prompt, and the call for a draft.

    >>> compose("age 61", images=1)
    '<s><image>age 61<draft>'
    """
    return f"{BOS}{IMAGE * images}{prompt}{DRAFT}"


def build_tokenizer(corpus: Iterable[str]) -> Any:  # noqa: ANN401 - transformers types must not be imported here
    """A fast tokenizer trained on that text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=len(SPECIAL) + WORD_PIECES,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(corpus, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        extra_special_tokens=list(SPECIAL[3:]),
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def build_processor(tokenizer: Any) -> Any:  # noqa: ANN401
    """The processor: LLaVA's, since FastVLM has none of its own; one token per 32 px cell, no resizing of its own."""
    from transformers import LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    images = CLIPImageProcessorPil(
        do_resize=False,
        do_center_crop=False,
        do_rescale=True,
        do_normalize=True,
        do_convert_rgb=True,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
        size={"height": SIDE_PX, "width": SIDE_PX},
        crop_size={"height": SIDE_PX, "width": SIDE_PX},
    )
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=STRIDE_PX,
        vision_feature_select_strategy="full",
        num_additional_image_tokens=0,
    )
