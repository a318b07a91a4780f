"""Dense teaching of the tower: where a lesion's centre lies, cell by cell. Training only; it never writes a draft.

Heatmaps at stride 16 and 32 under the penalty-reduced focal loss of CenterNet (Zhou et al., "Objects as Points",
arXiv 1904.07850, eq. 1), box offsets and log sizes at stride 32 under an L1 loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vlm.embedded.architecture import SIDE_PX, TOWER_WIDTHS
from vlm.embedded.lesions import Lesion

STRIDES = (16, 32)


class DenseHeads(nn.Module):
    """One 1x1 head per stride: objectness at 16; objectness and box (dx, dy, log w, log h) at 32."""

    def __init__(self) -> None:
        """Start with the log odds of a rare event, so that the first steps do not drown in negatives."""
        super().__init__()
        self.fine = nn.Conv2d(TOWER_WIDTHS[2], 1, 1)
        self.coarse = nn.Conv2d(TOWER_WIDTHS[3], 1, 1)
        self.box = nn.Conv2d(TOWER_WIDTHS[3], 4, 1)
        for head in (self.fine, self.coarse):
            nn.init.constant_(head.bias, -4.0)  # type: ignore[arg-type]

    def forward(self, stages: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (b, 20, 20), (b, 10, 10) and boxes (b, 4, 10, 10) from the tower's stage outputs."""
        return self.fine(stages[-2])[:, 0], self.coarse(stages[-1])[:, 0], self.box(stages[-1])


def heat_targets(scenes: Sequence[Sequence[Lesion]], *, stride: int) -> Tensor:
    """(b, cells, cells): 1 in the cell of each lesion's centre, a Gaussian of its size around it."""
    cells = SIDE_PX // stride
    heat = torch.zeros(len(scenes), cells, cells)
    axis = (torch.arange(cells) + 0.5) * stride
    for index, lesions in enumerate(scenes):
        for lesion in lesions:
            x, y = lesion.center
            spread_x = max(stride * 0.4, (lesion.x_max - lesion.x_min) / 4)
            spread_y = max(stride * 0.4, (lesion.y_max - lesion.y_min) / 4)
            bump = torch.exp(-(((axis[None, :] - x) / spread_x) ** 2 + ((axis[:, None] - y) / spread_y) ** 2) / 2)
            heat[index] = torch.maximum(heat[index], 0.95 * bump)
            heat[index, min(cells - 1, int(y // stride)), min(cells - 1, int(x // stride))] = 1.0
    return heat


def box_targets(scenes: Sequence[Sequence[Lesion]]) -> tuple[Tensor, Tensor]:
    """Boxes (b, 4, 10, 10) in cell units and logs, and the mask (b, 10, 10) of cells that have one."""
    cells = SIDE_PX // 32
    boxes, mask = torch.zeros(len(scenes), 4, cells, cells), torch.zeros(len(scenes), cells, cells)
    for index, lesions in enumerate(scenes):
        for lesion in lesions:
            x, y = lesion.center
            column, row = min(cells - 1, int(x // 32)), min(cells - 1, int(y // 32))
            width, height = (lesion.x_max - lesion.x_min) / 32, (lesion.y_max - lesion.y_min) / 32
            target = torch.tensor([x / 32 - column - 0.5, y / 32 - row - 0.5, width, height])
            target[2:] = target[2:].log()
            boxes[index, :, row, column] = target
            mask[index, row, column] = 1.0
    return boxes, mask


def focal_loss(logits: Tensor, heat: Tensor) -> Tensor:
    """Penalty-reduced focal loss, averaged over the lesions of the batch."""
    probability = logits.sigmoid().clamp(1e-5, 1 - 1e-5)
    here = heat >= 1.0
    positive = -((1 - probability) ** 2) * probability.log() * here
    negative = -((1 - heat) ** 4) * probability**2 * (1 - probability).log() * ~here
    return (positive.sum() + negative.sum()) / here.sum().clamp(min=1)


def dense_loss(heads: DenseHeads, stages: Sequence[Tensor], scenes: Sequence[Sequence[Lesion]]) -> Tensor:
    """The whole auxiliary loss for a batch of scenes."""
    fine, coarse, box = heads(stages)
    boxes, mask = box_targets(scenes)
    loss: Any = focal_loss(fine, heat_targets(scenes, stride=16).to(fine.device))
    loss = loss + focal_loss(coarse, heat_targets(scenes, stride=32).to(fine.device))
    error = (box - boxes.to(box.device)).abs().sum(1) * mask.to(box.device)
    return loss + 0.5 * error.sum() / mask.sum().clamp(min=1).to(box.device)
