"""The text that a processor is given: a prompt with the image's placeholder, laid out as its model was taught."""

from __future__ import annotations

from typing import Any

from vlm.backends.decoding import CELLS_CODEC


def laid_out(processor: Any, prompt: str, *, codec: str, images: int) -> str:  # noqa: ANN401 - transformers is late
    """The prompt amid the model's own marks.

    Args:
        processor: with the chat template of a model that has one.
        prompt: the words.
        codec: of the model's spec; the embedded model's layout goes with its codec.
        images: how many images go with the prompt, the current one first.
    """
    if codec == CELLS_CODEC:
        from vlm.embedded.tokens import compose

        return compose(prompt, images=images)
    if not processor.chat_template:
        return str(processor.image_token) * images + prompt
    content: list[dict[str, str]] = [{"type": "image"}] * images
    message = {"role": "user", "content": [*content, {"type": "text", "text": prompt}]}
    return str(processor.apply_chat_template([message], add_generation_prompt=True, tokenize=False))
