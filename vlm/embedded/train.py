"""Second and third stage of training: the decoder learns to read the tower, then both learn together. Resumes.

Run `python -m vlm.embedded.train --nih ../shared/data/cxr_nih --out var/train` after `vlm.embedded.train_tower`.

In the read-out stage the tower is frozen and its maps are kept in a buffer, of which a third is renewed in each step:
the decoder needs many more samples than the tower, and a map can carry many stories.
"""

from __future__ import annotations

import argparse
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader

from vlm.embedded.architecture import model_config
from vlm.embedded.dense import DenseHeads
from vlm.embedded.lesions import Lesion
from vlm.embedded.lessons import Features, Lesson, Targets, features_of, lesson, losses
from vlm.embedded.scenes import Truth
from vlm.embedded.story import tell
from vlm.embedded.tokens import IMAGE, build_tokenizer
from vlm.embedded.train_tower import Batch, Scenes, cached_backgrounds, collate, placed_loss, to_input

log = logging.getLogger("overread.train")
BUFFER = 3000
AUXILIARY = 0.5
COUNTS = (0.25, 0.36, 0.17, 0.09, 0.05, 0.05, 0.03)  # lesions in a picture: a normal one stays a common answer


@dataclass(slots=True)
class Buffer:
    """Tower maps (n, 2, 100, 256) of current and prior images with their truths; mutable: old ones are overwritten."""

    features: Tensor
    truths: list[Truth]
    cursor: int = 0
    filled: int = 0

    def add(self, features: Features, truths: Sequence[Truth]) -> None:
        """Overwrite the oldest."""
        slots = [(self.cursor + row) % len(self.truths) for row in range(len(truths))]
        for slot, current, truth in zip(slots, features.current, truths, strict=True):
            self.features[slot, 0] = current.half()
            self.truths[slot] = truth
        for row, prior in zip(features.prior_rows, features.prior, strict=True):
            self.features[slots[row], 1] = prior.half()
        self.cursor = (self.cursor + len(truths)) % len(self.truths)
        self.filled = min(len(self.truths), self.filled + len(truths))

    def draw(self, rng: np.random.Generator, count: int) -> tuple[Features, list[Truth]]:
        """A random batch."""
        chosen = rng.integers(self.filled, size=count)
        truths = [self.truths[int(index)] for index in chosen]
        maps = self.features[torch.from_numpy(chosen)].float()
        rows = tuple(row for row, truth in enumerate(truths) if truth.with_prior)
        return Features(maps[:, 0], maps[list(rows), 1], rows), truths


@dataclass(slots=True)
class Trainer:
    """The model, what it is taught with, and how far it has come (mutable: it is a training run)."""

    model: Any
    tokenizer: Any
    heads: DenseHeads
    targets: Targets
    out: Path
    device: torch.device
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(11))
    seen: int = 0

    def lesson_for(self, truths: Sequence[Truth]) -> Lesson:
        """New stories for those truths."""
        return lesson(self.tokenizer, [tell(truth, self.rng) for truth in truths])


def build_model(tokenizer: Any) -> Any:  # noqa: ANN401
    """A new model for that tokenizer."""
    from transformers import FastVlmForConditionalGeneration

    config = model_config(
        vocabulary=len(tokenizer),
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        pad_id=tokenizer.pad_token_id,
        bos_id=tokenizer.bos_token_id,
        eos_id=tokenizer.eos_token_id,
    )
    return FastVlmForConditionalGeneration(config)


def story_corpus(count: int, *, seed: int) -> list[str]:
    """Prompts and answers of random stories, to build a tokenizer from."""
    rng = np.random.default_rng(seed)
    texts: list[str] = []
    for _ in range(count):
        lesions = tuple(_random_lesion(rng) for _ in range(int(rng.integers(0, 3))))
        before = tuple(lesion.diameter_mm * rng.uniform(0.4, 2.0) for lesion in lesions)
        example = tell(Truth(lesions, before, with_prior=bool(rng.random() < 0.4)), rng)
        texts += [example.prompt, example.answer]
    return texts


def _random_lesion(rng: np.random.Generator) -> Lesion:
    x, y = rng.uniform(40, 280, 2)
    diameter = rng.uniform(8, 50)
    return Lesion("mass" if diameter > 30 else "nodule", x - 9, y - 9, x + 9, y + 9, diameter, 0.1)


def tower_features(trainer: Trainer, batch: Batch) -> tuple[Features, Sequence[Tensor]]:
    """The tower's maps of both images of each scene, and its stages for the current ones; one pass for all."""
    count = len(batch.truths)
    pixels = torch.cat([batch.pixels, batch.prior]).to(trainer.device)
    maps, stages = features_of(trainer.model, to_input(pixels))
    return Features(maps[:count], maps[count:], batch.prior_rows), [stage[:count] for stage in stages]


def fill(trainer: Trainer, buffer: Buffer, fresh: Batch) -> None:
    """Put the frozen tower's maps of new scenes into the buffer."""
    with torch.no_grad():
        features, _ = tower_features(trainer, fresh)
    buffer.add(features.to("cpu"), fresh.truths)


def readout_step(trainer: Trainer, buffer: Buffer, batch: int) -> tuple[Any, Any, float]:
    """One step of the read-out: new stories for maps from the buffer."""
    features, truths = buffer.draw(trainer.rng, batch)
    told = trainer.lesson_for(truths).to(trainer.device)
    return losses(trainer.model, told, features=features.to(trainer.device), truths=truths, targets=trainer.targets)


def joint_step(trainer: Trainer, fresh: Batch) -> tuple[Any, Any, float]:
    """One step of joint training: the tower learns from the answer and keeps its dense lessons."""
    features, stages = tower_features(trainer, fresh)
    told = trainer.lesson_for(fresh.truths).to(trainer.device)
    answer, cell, right = losses(trainer.model, told, features=features, truths=fresh.truths, targets=trainer.targets)
    return answer + 0.3 * placed_loss(trainer.heads, stages, fresh.truths), cell, right


def optimizer_for(trainer: Trainer, *, joint: bool, rate: float) -> torch.optim.AdamW:
    """The decoder and projector at `rate`; in joint training the tower at a fifth of it."""
    tower = list(trainer.model.model.vision_tower.parameters())
    known = {id(p) for p in tower}
    rest = [p for p in trainer.model.parameters() if id(p) not in known]
    groups = [{"params": rest, "scale": 1.0}]
    if joint:
        groups.append({"params": [*tower, *trainer.heads.parameters()], "scale": 0.2})
    return torch.optim.AdamW(groups, lr=rate, weight_decay=0.03)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: train until `until` samples were seen in all, at a peak learning rate, in batches."""

    until: int
    joint: bool
    rate: float
    batch: int

    def scale(self, seen: int, first: int) -> float:
        """Share of the peak rate: a warm-up over 4 %, then a half cosine down to 3 %."""
        share = (seen - first) / max(1, self.until - first)
        return min(1.0, share / 0.04 + 0.02) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * share)))


@dataclass(slots=True)
class Averages:
    """Running means for the log (mutable: they run)."""

    values: dict[str, float] = field(default_factory=dict)

    def add(self, **news: float) -> None:
        """Take new values in; what was not measured is passed over."""
        for name, value in news.items():
            if not math.isnan(value):
                old = self.values.get(name, value)
                self.values[name] = old + 0.03 * (value - old)

    def words(self) -> str:
        """All of them, to three digits."""
        return " ".join(f"{name} {value:.3f}" for name, value in self.values.items())


def run(trainer: Trainer, stream: Any, stage: Stage) -> None:  # noqa: ANN401
    """Train one stage; saves every 240 steps and at its end."""
    optimizer = optimizer_for(trainer, joint=stage.joint, rate=stage.rate)
    buffer = Buffer(torch.zeros(BUFFER, 2, 100, 256, dtype=torch.half), [Truth()] * BUFFER)
    trainer.model.model.vision_tower.requires_grad_(stage.joint)
    trainer.model.train()
    trainer.model.model.vision_tower.eval()  # batch statistics stay those of the tower's own training
    first, started, step, averages = trainer.seen, time.monotonic(), 0, Averages()
    while trainer.seen < stage.until:
        for group in optimizer.param_groups:
            group["lr"] = stage.rate * stage.scale(trainer.seen, first) * group["scale"]
        answer, cell, right = _losses(trainer, stream, buffer, stage)
        optimizer.zero_grad()
        (answer + AUXILIARY * cell).backward()
        torch.nn.utils.clip_grad_norm_(trainer.model.parameters(), 1.0)
        optimizer.step()
        trainer.seen, step = trainer.seen + stage.batch, step + 1
        averages.add(answer=answer.item(), cell=cell.item(), right=right)
        if step % 40 == 0:
            pace = (trainer.seen - first) / (time.monotonic() - started)
            log.info("seen %d %s, %.1f samples/s", trainer.seen, averages.words(), pace)
        if step % 240 == 0 or trainer.seen >= stage.until:
            save(trainer)


def _losses(trainer: Trainer, stream: Any, buffer: Buffer, stage: Stage) -> tuple[Any, Any, float]:  # noqa: ANN401
    if stage.joint:
        return joint_step(trainer, next(stream))
    while buffer.filled < min(BUFFER, 4 * stage.batch):
        fill(trainer, buffer, next(stream))
    fill(trainer, buffer, next(stream))
    return readout_step(trainer, buffer, stage.batch)


def save(trainer: Trainer) -> None:
    """All weights as safetensors, written beside and renamed."""
    folder = trainer.out / "model"
    folder.mkdir(parents=True, exist_ok=True)
    state = {f"model.{k}": v.contiguous() for k, v in trainer.model.state_dict().items()}
    state |= {f"heads.{k}": v.contiguous() for k, v in trainer.heads.state_dict().items()}
    save_file(state, folder / "new.safetensors", metadata={"seen": str(trainer.seen)})
    (folder / "new.safetensors").rename(folder / "checkpoint.safetensors")


def start(out: Path, *, exported: Path | None = None) -> Trainer:
    """A trainer from its checkpoint; without one from an exported model's folder, or from the trained tower.

    An exported folder has no dense heads: they start anew. Its tokenizer goes with its weights.
    """
    from transformers import PreTrainedTokenizerFast

    folder = out / "tokenizer"
    if not folder.exists() and exported is not None:
        PreTrainedTokenizerFast.from_pretrained(exported, local_files_only=True).save_pretrained(folder)
    elif not folder.exists():
        build_tokenizer(story_corpus(8000, seed=5)).save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = build_model(tokenizer).to(device)
    model.model.vision_tower.to(memory_format=torch.channels_last)  # a fifth faster on a CPU
    targets = Targets(tokenizer, vocabulary=len(tokenizer))
    trainer = Trainer(model, tokenizer, DenseHeads().to(device), targets, out, device)
    path = out / "model" / "checkpoint.safetensors"
    if path.exists():
        _load(trainer, load_file(path), prefix="model.")
        with safe_open(path, "pt") as file:
            trainer.seen = int(file.metadata()["seen"])
    elif exported is not None:
        trainer.model.load_state_dict({k: v.float() for k, v in load_file(exported / "model.safetensors").items()})
    else:
        _load(trainer, load_file(out / "tower" / "checkpoint.safetensors"), prefix="tower.")
    return trainer


def _load(trainer: Trainer, state: dict[str, Tensor], *, prefix: str) -> None:
    """The model (or its tower) and the dense heads from a checkpoint."""
    part = trainer.model if prefix == "model." else trainer.model.model.vision_tower
    part.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    trainer.heads.load_state_dict({k[6:]: v for k, v in state.items() if k.startswith("heads.")})


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nih", type=Path, required=True, help="folder with manifest.csv and images")
    parser.add_argument("--out", type=Path, default=Path("var/train"))
    parser.add_argument("--readout", type=int, default=60_000, help="samples of the read-out stage")
    parser.add_argument("--joint", type=int, default=20_000, help="samples of the joint stage after it")
    parser.add_argument("--from", dest="exported", type=Path, help="exported folder to go on from")
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--thoraces", type=int, default=1200)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    backgrounds = cached_backgrounds(args.nih, args.out, tune=False, thoraces=args.thoraces)
    trainer = start(args.out, exported=args.exported)
    scenes = Scenes(backgrounds, seed=101 + trainer.seen, counts=COUNTS)
    fresh = iter(DataLoader(scenes, args.batch // 3, collate_fn=collate, num_workers=1))
    run(trainer, fresh, Stage(args.readout, joint=False, rate=args.rate, batch=args.batch))
    whole = iter(DataLoader(scenes, args.batch, collate_fn=collate, num_workers=1))
    run(trainer, whole, Stage(args.readout + args.joint, joint=True, rate=args.rate / 2, batch=args.batch))


if __name__ == "__main__":
    main()
