"""Teacher forcing: what a model thinks of words that are put into its mouth, many of them after one image and prompt.

The image and the prompt go through the model once; what it then remembers is shared by all continuations, which go
through it side by side. The probabilities are the raw model's, as in `vlm.backends.decoding`: no grammar takes part,
so scores of different continuations may be compared and summed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from cases.draft import FailureKind
from vlm.errors import BackendError

SIDE_BY_SIDE = 64  # continuations at a time, so that the memory of a long prompt is not copied without bound

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
        start = model(**inputs, use_cache=True, logits_to_keep=1)
        first = _finite(torch.log_softmax(start.logits[0, -1].float(), dim=-1))
        scores: list[tuple[float, ...]] = []
        for batch in _batches(continuations):
            memory = copy.deepcopy(start.past_key_values)  # a forward pass writes into it
            memory.batch_repeat_interleave(len(batch))
            scores += _after(model, inputs, memory, batch, first=first, pad_id=pad_id)
    return scores


def _batches(continuations: Sequence[TokenIds]) -> Iterator[Sequence[TokenIds]]:
    for begin in range(0, len(continuations), SIDE_BY_SIDE):
        yield continuations[begin : begin + SIDE_BY_SIDE]


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


__all__ = ["forced"]
