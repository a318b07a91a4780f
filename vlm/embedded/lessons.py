"""Lessons: token ids, targets and weights for a batch of examples, and the losses on them.

The answer is taught by cross-entropy. Place tokens count more than words, since place is the slow part; offsets and
sizes have soft targets (a Gaussian over neighbouring steps), since one step aside is nearly right. As an auxiliary
loss, the decoder says at each image token whether a lesion's centre lies in that cell, and where in it: it builds,
where the decoder reads, the code that the answer needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grounding.codecs.cells import GRID, OFFSETS, SIZES, place_tokens
from vlm.embedded.architecture import IMAGE_TOKENS, STRIDE_PX
from vlm.embedded.lesions import Lesion
from vlm.embedded.scenes import Truth
from vlm.embedded.statements import COMPARISONS
from vlm.embedded.story import Example
from vlm.embedded.tokens import EOS, IMAGE, compose

CELL_WEIGHT = 3.0
OFFSET_WEIGHT = 4.0
SIZE_WEIGHT = 2.0
CHANGE_WEIGHT = 4.0  # one word in a long answer says new, larger, smaller or stable, and leans on the whole prompt
SOFT_STEPS = 0.7
EMPTY_CELL_WEIGHT = 0.02


@dataclass(frozen=True, slots=True)
class Lesson:
    """A batch, right-padded.

    Attributes:
        ids, attention, answer, image: (b, t): token ids, attention mask, answer mask, image slots.
        with_image, with_prior: (b,) bool, which rows show the current image, which the prior one after it.
    """

    ids: Tensor
    attention: Tensor
    answer: Tensor
    image: Tensor
    with_image: Tensor
    with_prior: Tensor

    def to(self, device: torch.device) -> Lesson:
        """The same on that device."""
        return Lesson(*(getattr(self, one.name).to(device) for one in fields(self)))


def lesson(tokenizer: Any, examples: Sequence[Example]) -> Lesson:  # noqa: ANN401
    """Tokenize a batch of examples."""
    image_id, eos_id, pad_id = (tokenizer.convert_tokens_to_ids(t) for t in (IMAGE, EOS, tokenizer.pad_token))
    rows: list[tuple[list[int], int]] = []
    for example in examples:
        start = tokenizer(compose(example.prompt, images=0), add_special_tokens=False).input_ids
        images = int(example.with_image) + int(example.with_prior)
        start = [start[0], *[image_id] * (IMAGE_TOKENS * images), *start[1:]]
        answer = tokenizer(example.answer, add_special_tokens=False).input_ids
        rows.append(([*start, *answer, eos_id], len(start)))
    length = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), length), pad_id)
    attention, answer = torch.zeros(len(rows), length, dtype=torch.long), torch.zeros(len(rows), length)
    for index, (row, start_length) in enumerate(rows):
        ids[index, : len(row)] = torch.tensor(row)
        attention[index, : len(row)] = 1
        answer[index, start_length : len(row)] = 1.0
    with_image = torch.tensor([example.with_image for example in examples])
    with_prior = torch.tensor([example.with_prior for example in examples])
    return Lesson(ids, attention, answer, ids == image_id, with_image, with_prior)


def change_tokens(tokenizer: Any) -> list[int]:  # noqa: ANN401
    """The tokens with which the statement book's comparisons begin to differ."""
    spelt = [tokenizer(words, add_special_tokens=False).input_ids for words in COMPARISONS if words]
    first = next(place for place, ids in enumerate(zip(*spelt, strict=False)) if len(set(ids)) == len(spelt))
    return [ids[first] for ids in spelt]


class Targets:
    """Soft targets and weights by token id, from the tokenizer's place tokens."""

    def __init__(self, tokenizer: Any, *, vocabulary: int) -> None:  # noqa: ANN401
        """Build the (vocabulary, vocabulary) table of target distributions once."""
        self.weight = torch.ones(vocabulary)
        self.soft = torch.eye(vocabulary)
        first = tokenizer.convert_tokens_to_ids("<c000>")
        self.cells = torch.arange(first, first + GRID * GRID)
        self.weight[self.cells] = CELL_WEIGHT
        start = first + GRID * GRID
        self.parts: list[slice] = []
        for steps in (OFFSETS, OFFSETS, SIZES, SIZES):
            self.weight[start : start + steps] = OFFSET_WEIGHT if steps == OFFSETS else SIZE_WEIGHT
            self.parts.append(slice(start, start + steps))
            axis = torch.arange(steps, dtype=torch.float32)
            near = torch.exp(-(((axis[:, None] - axis[None, :]) / SOFT_STEPS) ** 2) / 2)
            self.soft[start : start + steps, start : start + steps] = near / near.sum(1, keepdim=True)
            start += steps
        self.weight[change_tokens(tokenizer)] = CHANGE_WEIGHT
        self.image_id = tokenizer.convert_tokens_to_ids(IMAGE)

    def answer_loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Weighted soft cross-entropy of (n, v) logits against (n,) token ids."""
        weight = self.weight.to(logits.device)[targets]
        loss = -(self.soft.to(logits.device)[targets] * logits.log_softmax(-1)).sum(-1)
        return (loss * weight).sum() / weight.sum()

    def cell_loss(self, logits: Tensor, scenes: Sequence[Sequence[Lesion]]) -> Tensor:
        """At each of the current image's tokens (b, 100, v): the cell's own where a lesion's centre lies, else none's.

        Where one lies, also its offsets and sizes, each by a softmax over its own tokens.
        """
        targets = torch.full(logits.shape[:2], self.image_id, device=logits.device)
        weight = torch.full(logits.shape[:2], EMPTY_CELL_WEIGHT, device=logits.device)
        spots: list[tuple[int, int]] = []
        for index, lesions in enumerate(scenes):
            for lesion in lesions:
                column, row = (min(GRID - 1, int(value // STRIDE_PX)) for value in lesion.center)
                targets[index, row * GRID + column] = int(self.cells[row * GRID + column])
                weight[index, row * GRID + column] = 1.0
                spots.append((index, row * GRID + column))
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        found = (loss * weight.flatten()).sum() / weight.sum()
        if not spots:
            return found
        where = torch.tensor(spots, device=logits.device)
        return found + self._part_loss(logits[where[:, 0], where[:, 1]], [one for scene in scenes for one in scene])

    def _part_loss(self, logits: Tensor, lesions: Sequence[Lesion]) -> Tensor:
        """Mean soft cross-entropy of offsets and sizes at the lesions' own image tokens (n, v)."""
        side = GRID * STRIDE_PX
        rows = [place_tokens(one.x_min, one.y_min, one.x_max, one.y_max, side=side)[1:] for one in lesions]
        loss = logits.new_zeros(())
        for part, column in zip(self.parts, zip(*rows, strict=True), strict=True):
            steps = torch.tensor([int(token[2:-1]) for token in column], device=logits.device)
            wanted = self.soft.to(logits.device)[part, part][steps]
            loss = loss - (wanted * logits[:, part].log_softmax(-1)).sum(-1).mean()
        return loss / len(self.parts)


def features_of(model: Any, pixels: Tensor) -> tuple[Tensor, Sequence[Tensor]]:  # noqa: ANN401
    """The tower's map as tokens (b, 100, 256), and its stages."""
    found = model.model.vision_tower(pixels, output_hidden_states=True)
    return found.last_hidden_state.flatten(2).transpose(1, 2), found.hidden_states


@dataclass(frozen=True, slots=True)
class Features:
    """The tower's maps of a batch: current (b, 100, 256), and prior (k, 100, 256) of the rows in `prior_rows` (k)."""

    current: Tensor
    prior: Tensor
    prior_rows: tuple[int, ...]

    def to(self, device: torch.device | str) -> Features:
        """The same on that device."""
        return Features(self.current.to(device), self.prior.to(device), self.prior_rows)

    def in_order(self, batch: Lesson) -> Tensor:
        """The maps that the batch shows, row by row, the current image before the prior: (n, 100, 256)."""
        earlier = dict(zip(self.prior_rows, self.prior, strict=True))
        found: list[Tensor] = []
        for row, current in enumerate(self.current):
            found += [current] if bool(batch.with_image[row]) else []
            found += [earlier[row]] if bool(batch.with_prior[row]) else []
        return torch.stack(found)


def hidden_states(model: Any, batch: Lesson, features: Features) -> Tensor:  # noqa: ANN401
    """The decoder's last hidden states (b, t, d), as FastVLM computes them from images and text."""
    embedded = model.get_input_embeddings()(batch.ids)
    projected = model.model.multi_modal_projector(features.in_order(batch))
    embedded = embedded.masked_scatter(batch.image.unsqueeze(-1), projected.to(embedded.dtype))
    return model.model.language_model(inputs_embeds=embedded, attention_mask=batch.attention).last_hidden_state


def losses(
    model: Any,  # noqa: ANN401
    batch: Lesson,
    *,
    features: Features,
    truths: Sequence[Truth],
    targets: Targets,
) -> tuple[Tensor, Tensor, float]:
    """Answer loss, cell loss, and the share of cell tokens that are right given the true prefix.

    A picture that holds a lesion of unknown place teaches no cell.
    """
    hidden = hidden_states(model, batch, features)
    asked = batch.answer[:, 1:] > 0
    wanted = batch.ids[:, 1:][asked]
    logits = model.lm_head(hidden[:, :-1][asked])
    shown = [row for row, truth in enumerate(truths) if truth.placed and bool(batch.with_image[row])]
    at_image = hidden[shown, 1 : 1 + IMAGE_TOKENS]  # after the start token; the prior image's tokens follow
    cells = torch.isin(wanted, targets.cells.to(wanted.device))
    right = (logits[cells].argmax(-1) == wanted[cells]).float().mean().item() if bool(cells.any()) else np.nan
    placed = [truths[row].lesions for row in shown]
    return targets.answer_loss(logits, wanted), targets.cell_loss(model.lm_head(at_image), placed), right
