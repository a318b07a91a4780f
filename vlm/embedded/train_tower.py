"""First stage of training: the tower learns to see lesions, densely. Resumes from its checkpoint.

Run `python -m vlm.embedded.train_tower --nih ../shared/data/cxr_nih --samples 40000 --out var/train`.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from vlm.embedded.architecture import tower_config
from vlm.embedded.backgrounds import Backgrounds, joined, nih_backgrounds, thorax_backgrounds
from vlm.embedded.dense import DenseHeads, dense_loss
from vlm.embedded.lesions import Lesion
from vlm.embedded.scenes import Scene, Truth, make_scene

log = logging.getLogger("overread.train")
CROWDED = (1 / 7,) * 7  # many lesions an image: the tower learns from each
THORAX_SEED = 1_000_000  # simulated cases and evaluations use other seeds


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how fast and where."""

    samples: int
    batch: int
    rate: float
    out: Path


class Scenes(IterableDataset[Any]):
    """An endless stream of scenes, from a seed."""

    def __init__(self, backgrounds: Backgrounds, *, seed: int, counts: tuple[float, ...]) -> None:
        """Scenes whose number of lesions is drawn with those probabilities: of 0, of 1, and so on."""
        self.backgrounds, self.seed, self.counts = backgrounds, seed, counts

    def __iter__(self) -> Iterator[Scene]:
        """Draw scenes for ever."""
        rng = np.random.default_rng(self.seed)
        while True:
            yield make_scene(self.backgrounds, rng, count=int(rng.choice(len(self.counts), p=self.counts)))


@dataclass(frozen=True, slots=True)
class Batch:
    """Scenes as tensors: pixels (b, side, side) uint8, prior (k, side, side) of the rows `prior_rows`, truths (b)."""

    pixels: Tensor
    prior: Tensor
    prior_rows: tuple[int, ...]
    truths: tuple[Truth, ...]


def collate(scenes: Sequence[Scene]) -> Batch:
    """A batch of scenes."""
    priors = [(row, scene.prior) for row, scene in enumerate(scenes) if scene.prior is not None]
    side = scenes[0].pixels.shape
    return Batch(
        torch.from_numpy(np.stack([scene.pixels for scene in scenes])),
        torch.from_numpy(np.stack([pixels for _, pixels in priors]) if priors else np.zeros((0, *side), np.uint8)),
        tuple(row for row, _ in priors),
        tuple(scene.truth for scene in scenes),
    )


def placed_loss(heads: DenseHeads, stages: Sequence[Tensor], truths: Sequence[Truth]) -> Tensor:
    """The dense loss on the pictures in which every lesion's place is known."""
    rows = [row for row, truth in enumerate(truths) if truth.placed]
    return dense_loss(heads, [stage[rows] for stage in stages], [truths[row].lesions for row in rows])


def to_input(pixels: Tensor) -> Tensor:
    """(b, 3, side, side) in -1..1, as the image processor makes it; channels last, which a CPU convolves faster."""
    images = (pixels.float() / 127.5 - 1.0).unsqueeze(1).expand(-1, 3, -1, -1)
    return images.contiguous(memory_format=torch.channels_last)


def cached_backgrounds(nih: Path, cache: Path, *, tune: bool, thoraces: int) -> Backgrounds:
    """Real and simulated backgrounds; decoded once, then read from the cache."""
    path = cache / f"labelled_backgrounds_{'tune' if tune else 'train'}_{thoraces}.npz"
    if not path.exists():
        parts = [nih_backgrounds(nih, tune=tune)]
        if thoraces:
            parts.append(thorax_backgrounds(thoraces, first_seed=THORAX_SEED + (500_000 if tune else 0)))
        found = joined(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **{one.name: getattr(found, one.name) for one in dataclasses.fields(found)})
    stored = np.load(path, allow_pickle=False)
    return Backgrounds(**{one.name: stored[one.name] for one in dataclasses.fields(Backgrounds)})


def learning_rate(plan: Plan, seen: int) -> float:
    """Linear warm-up over the first 3 %, then a half cosine to a fiftieth."""
    share = seen / plan.samples
    warm = min(1.0, share / 0.03 + 0.01)
    return plan.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def sensitivity(tower: Any, heads: DenseHeads, scenes: Sequence[Scene]) -> float:  # noqa: ANN401
    """Share of lesions under a coarse peak, at the score that gives 0.5 false peaks per image."""
    hits, scores = [], []
    tower.eval()
    with torch.no_grad():
        for start in range(0, len(scenes), 32):
            batch = collate(scenes[start : start + 32])
            stages = tower(to_input(batch.pixels), output_hidden_states=True).hidden_states
            _, coarse, box = heads(stages)
            for heat, place, truth in zip(coarse, box, batch.truths, strict=True):
                found, false = _peaks(heat, place, truth.lesions)
                hits += found
                scores += false
    tower.train()
    allowed = sorted(scores, reverse=True)
    limit = allowed[min(len(allowed) - 1, len(scenes) // 2)]
    return sum(hit > limit for hit in hits) / max(1, len(hits))


def _peaks(heat: Tensor, place: Tensor, truth: tuple[Lesion, ...]) -> tuple[list[float], list[float]]:
    top = torch.nn.functional.max_pool2d(heat[None, None], 3, 1, 1)[0, 0]
    best = [-99.0] * len(truth)
    false = []
    for row, column in torch.nonzero(heat == top).tolist():
        x = (column + 0.5 + float(place[0, row, column])) * 32
        y = (row + 0.5 + float(place[1, row, column])) * 32
        score, hit = float(heat[row, column]), False
        for index, lesion in enumerate(truth):
            if lesion.x_min - 4 <= x <= lesion.x_max + 4 and lesion.y_min - 4 <= y <= lesion.y_max + 4:
                best[index], hit = max(best[index], score), True
        if not hit:
            false.append(score)
    return best, false


def train(plan: Plan, backgrounds: Backgrounds, tune: Backgrounds) -> None:
    """Train until `plan.samples` images were seen; checkpoints every 200 steps."""
    from transformers import ResNetModel

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tower = ResNetModel(tower_config()).to(device).to(memory_format=torch.channels_last)
    heads = DenseHeads().to(device)
    parameters = [*tower.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=plan.rate, weight_decay=0.02)
    seen = resume(plan.out / "tower", tower, heads, optimizer)
    stream = iter(
        DataLoader(Scenes(backgrounds, seed=7 + seen, counts=CROWDED), plan.batch, collate_fn=collate, num_workers=1)
    )
    watch = [item for item, _ in zip(Scenes(tune, seed=3, counts=(1 / 3, 1 / 3, 1 / 3)), range(256), strict=False)]
    started, first, running, step = time.monotonic(), seen, 0.0, 0
    tower.train()
    while seen < plan.samples:
        batch = next(stream)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(plan, seen)
        stages = tower(to_input(batch.pixels.to(device)), output_hidden_states=True).hidden_states
        loss = placed_loss(heads, stages, batch.truths)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        seen, step = seen + len(batch.truths), step + 1
        running += 0.05 * (loss.item() - running) if step > 1 else loss.item()
        if step % 50 == 0:
            log.info("seen %d loss %.3f, %.1f images/s", seen, running, (seen - first) / (time.monotonic() - started))
        if step % 200 == 0 or seen >= plan.samples:
            checkpoint(plan.out / "tower", tower, heads, optimizer, seen)
            log.info("seen %d tune sensitivity at 0.5 false: %.3f", seen, sensitivity(tower, heads, watch))


def checkpoint(folder: Path, tower: Any, heads: DenseHeads, optimizer: Any, seen: int) -> None:  # noqa: ANN401
    """Weights and optimizer state as safetensors (no pickle), written beside and renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {f"tower.{k}": v.contiguous() for k, v in tower.state_dict().items()}
    state |= {f"heads.{k}": v.contiguous() for k, v in heads.state_dict().items()}
    for index, one in optimizer.state_dict()["state"].items():
        state |= {f"adam.{index}.{k}": torch.as_tensor(v).clone() for k, v in one.items()}
    save_file(state, folder / "new.safetensors", metadata={"seen": str(seen)})
    (folder / "new.safetensors").rename(folder / "checkpoint.safetensors")


def resume(folder: Path, tower: Any, heads: DenseHeads, optimizer: Any) -> int:  # noqa: ANN401
    """Images seen so far: 0 without a checkpoint."""
    from safetensors import safe_open

    path = folder / "checkpoint.safetensors"
    if not path.exists():
        return 0
    state = load_file(path)
    tower.load_state_dict({k[6:]: v for k, v in state.items() if k.startswith("tower.")})
    heads.load_state_dict({k[6:]: v for k, v in state.items() if k.startswith("heads.")})
    adam: dict[int, dict[str, Tensor]] = {}
    for key, value in state.items():
        if key.startswith("adam."):
            _, index, name = key.split(".", 2)
            adam.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": adam, "param_groups": optimizer.state_dict()["param_groups"]})
    with safe_open(path, "pt") as file:
        return int(file.metadata()["seen"])


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nih", type=Path, required=True, help="folder with manifest.csv and images")
    parser.add_argument("--samples", type=int, default=40_000)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--thoraces", type=int, default=1200)
    parser.add_argument("--out", type=Path, default=Path("var/train"))
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    backgrounds = cached_backgrounds(args.nih, args.out, tune=False, thoraces=args.thoraces)
    tune = cached_backgrounds(args.nih, args.out, tune=True, thoraces=0)
    train(Plan(args.samples, args.batch, args.rate, args.out), backgrounds, tune)


if __name__ == "__main__":
    main()
