"""Teacher forcing: what a model thinks of words that are put into its mouth, many of them after one image and prompt.

The image and the prompt go through the model once; what it then remembers is shared by all continuations, which go
through it side by side. The probabilities are the raw model's, as in `vlm.backends.decoding`: no grammar takes part,
so scores of different continuations may be compared and summed.

Answers after many prompts (`forced_after`) are the same thing: what the prompts share from their start, all image
tokens among it, goes through once; the rest of each prompt and its answer are a continuation. Models whose positions
depend on the image's shape (Qwen's) share nothing: each answer has a pass of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cases.draft import FailureKind
from vlm.errors import BackendError

SIDE_BY_SIDE = 64  # continuations at a time, so that the memory of a long prompt is not copied without bound
MOST_LOGITS = 1 << 27  # numbers at a time: half a GiB of float32, which a large vocabulary reaches soon

TokenIds = Sequence[int]


def forced(model: Any, inputs: Any, continuations: Sequence[TokenIds], *, pad_id: int) -> list[tuple[float, ...]]:  # noqa: ANN401
    """The natural log of each token's probability, for each continuation.

    Args:
        model: a transformers model that generates.
        inputs: of its processor, for one prompt: `input_ids` and `attention_mask` of shape (1, tokens), and the image.
        continuations: token ids; none is empty.
        pad_id: fills shorter continuations up; never looked at.

    Raises:
        ValueError: a continuation has no token.
        BackendError: the model's numbers are not finite.
    """
    import torch

    if not all(continuations):
        msg = "a continuation has at least one token: leave empty ones out"
        raise ValueError(msg)
    with torch.inference_mode():
        if _counts_images_in_positions(model):
            return [_whole(model, inputs, ids) for ids in continuations]
        start = model(**inputs, use_cache=True, logits_to_keep=1)
        first = _finite(torch.log_softmax(start.logits[0, -1].float(), dim=-1))
        scores: list[tuple[float, ...]] = []
        for batch in _batches(continuations, vocabulary=int(start.logits.shape[-1])):
            memory = copy.deepcopy(start.past_key_values)  # a forward pass writes into it
            memory.batch_repeat_interleave(len(batch))
            scores += _after(model, inputs, memory, batch, first=first, pad_id=pad_id)
    return scores


def _counts_images_in_positions(model: Any) -> bool:  # noqa: ANN401
    """Whether an image's shape moves the positions of what follows (Qwen's): memory cannot be shared side by side."""
    return hasattr(getattr(model, "model", None), "rope_deltas")


def _whole(model: Any, inputs: Mapping[str, Any], ids: TokenIds) -> tuple[float, ...]:  # noqa: ANN401
    """The scores of one continuation by a pass of its own over everything."""
    import torch

    length = inputs["input_ids"].shape[1]
    words = torch.tensor([list(ids)], device=inputs["input_ids"].device)
    longer = {"input_ids": words, "attention_mask": torch.ones_like(words)}
    whole = {
        name: torch.cat([value, longer.get(name, torch.zeros_like(words)).to(value.dtype)], dim=1)
        if _by_token(value, length)
        else value
        for name, value in inputs.items()
    }
    logits = model(**whole, logits_to_keep=len(ids) + 1).logits[:, :-1]
    return tuple(_finite(torch.log_softmax(logits.float(), dim=-1).gather(2, words[:, :, None])[0, :, 0]).tolist())


def _by_token(value: Any, length: int) -> bool:  # noqa: ANN401
    """Whether a processor's input has one entry for each token of the prompt."""
    return tuple(getattr(value, "shape", ()))[:2] == (1, length)


def forced_after(
    model: Any,  # noqa: ANN401
    prompts: Sequence[Mapping[str, Any]],
    answers: Sequence[TokenIds],
    *,
    image_id: int | None,
    pad_id: int,
) -> list[tuple[float, ...]]:
    """The natural log of the probability of each token of an answer, for each prompt's own answer.

    Args:
        model: a transformers model that generates.
        prompts: inputs of its processor that show the same images, as `forced` takes them.
        answers: of each prompt, token ids, at least one.
        image_id: the token that stands for a piece of an image; None for a model without one.
        pad_id: fills shorter continuations up; never looked at.

    Raises:
        ValueError: an answer has no token.
        BackendError: the model's numbers are not finite.
    """
    if not all(answers):
        msg = "an answer has at least one token: leave empty ones out"
        raise ValueError(msg)
    ids: list[list[int]] = [prompt["input_ids"][0].tolist() for prompt in prompts]
    common = _common(ids)
    apart = _counts_images_in_positions(model) or any(image_id in one[common:] for one in ids)
    if apart:  # an image's tokens never go through without the image
        return [forced(model, one, [answer], pad_id=pad_id)[0] for one, answer in zip(prompts, answers, strict=True)]
    rests = [[*one[common:], *answer] for one, answer in zip(ids, answers, strict=True)]
    scores = forced(model, _begun(prompts[0], common), rests, pad_id=pad_id)
    return [row[-len(answer) :] for row, answer in zip(scores, answers, strict=True)]


def _common(rows: Sequence[TokenIds]) -> int:
    """How many tokens all rows begin with."""
    count = 0
    for tokens in zip(*rows, strict=False):
        if len(set(tokens)) > 1:
            break
        count += 1
    return count


def _begun(inputs: Mapping[str, Any], count: int) -> dict[str, Any]:
    """The inputs with the first tokens only; what is not by token (an image) stays whole."""
    length = inputs["input_ids"].shape[1]
    return {name: value[:, :count] if _by_token(value, length) else value for name, value in inputs.items()}


def _batches(continuations: Sequence[TokenIds], *, vocabulary: int) -> Iterator[Sequence[TokenIds]]:
    longest = max(map(len, continuations), default=1)
    size = max(1, min(SIDE_BY_SIDE, MOST_LOGITS // (longest * vocabulary)))
    for begin in range(0, len(continuations), size):
        yield continuations[begin : begin + size]


def _after(
    model: Any,  # noqa: ANN401 - torch and transformers are imported late
    inputs: Any,  # noqa: ANN401
    memory: Any,  # noqa: ANN401
    batch: Sequence[TokenIds],
    *,
    first: Any,  # noqa: ANN401
    pad_id: int,
) -> list[tuple[float, ...]]:
    """The scores of continuations that start where the memory ends; `first` are those of the first token."""
    import torch

    longest = max(map(len, batch))
    device = inputs["input_ids"].device
    tokens = torch.tensor([[*ids, *[pad_id] * (longest - len(ids))] for ids in batch], device=device)
    scores = first[tokens[:, :1]]
    if longest > 1:
        real = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids in batch], device=device)
        before = inputs["attention_mask"].expand(len(batch), -1)
        mask = torch.cat([before, real[:, :-1].to(before.dtype)], dim=1)
        logits = model(input_ids=tokens[:, :-1], attention_mask=mask, past_key_values=memory, use_cache=True).logits
        later = torch.log_softmax(logits.float(), dim=-1).gather(2, tokens[:, 1:, None])[:, :, 0]
        scores = torch.cat([scores, later], dim=1)
    rows = [row[: len(ids)] for row, ids in zip(scores, batch, strict=True)]
    return [tuple(_finite(row).tolist()) for row in rows]


def _finite(values: Any) -> Any:  # noqa: ANN401 - a torch tensor
    import torch

    if bool(torch.isnan(values).any() | torch.isposinf(values).any()):
        msg = "the model gave numbers that are not finite while it scored: load it with dtype float32 or bfloat16"
        raise BackendError(FailureKind.NON_FINITE, msg)
    return values


__all__ = ["forced", "forced_after"]
