"""Runs `overread eval quantization`: each model in turn drafts the same cases by the product's own path.

One model is in memory at a time. Cases are made anew for each, from the same seed, so that they are the same cases and
no image is kept. Figures are in `evals.quantization`, limits in `evals.quantization_gate`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cases.draft import Draft
from evals.drafter import product_drafter
from evals.outcome import Outcome, outcome_of
from evals.quantization import Drafted, Memory, own_figures, pair_figures
from evals.quantization_gate import Gate, Verdict, judge, overall
from evals.trial import Trial
from vlm.backend import Answer, Backend, PromptMeter
from vlm.backends.footprint import footprint
from vlm.backends.transformers_local import TransformersLocal
from vlm.model_spec import ModelSpec, Quantization

CASE_ID = "case"


class Listening:
    """A backend that passes everything on and remembers how probable its answers were.

    Args:
        backend: that answers.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.heard: list[Answer] = []

    @property
    def spec(self) -> ModelSpec:
        """The model behind it."""
        return self._backend.spec

    def answer(self, *, image: NDArray[np.uint8] | None, prompt: str, prior: NDArray[np.uint8] | None = None) -> Answer:
        """The backend's answer."""
        self.heard.append(self._backend.answer(image=image, prompt=prompt, prior=prior))
        return self.heard[-1]

    def fits(self, prompt: str, *, images: int = 1) -> bool:
        """Whether the prompt fits, by the backend's own count where it has one."""
        return not isinstance(self._backend, PromptMeter) or self._backend.fits(prompt, images=images)

    def mean_log_probability(self) -> float | None:
        """Of the tokens of the answers heard since the last call; None where none came with probabilities."""
        values = [value for answer in self.heard for value in answer.log_probabilities]
        self.heard.clear()
        return float(np.mean(values)) if values else None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to draft: its name in the table, the backend and what it holds in memory."""

    name: str
    backend: Backend
    memory: Memory


def name_of(spec: ModelSpec) -> str:
    """The quantization, or the dtype of a whole model."""
    return spec.dtype if spec.quantization is Quantization.NONE else spec.quantization.value


def load_local(spec: ModelSpec) -> Loaded:
    """The model of a spec in this process, measured before it answers.

    Raises:
        ModelLoadError: it cannot be loaded, or the layers quantized are not the predicted ones.
    """
    backend = TransformersLocal(spec)
    held = footprint(backend.model)
    memory = Memory(held.total_bytes, held.quant_state_bytes, held.saved_bytes, held.quantized_layers)
    return Loaded(name_of(spec), backend, memory)


def draft_all(
    loaded: Loaded,
    trials: Iterable[Trial],
    *,
    now: Callable[[], datetime],
    clock: Callable[[], float] = time.perf_counter,
) -> Drafted:
    """Every case by one model; pixels are let go of after each."""
    listening = Listening(loaded.backend)
    draft = product_drafter(listening, now=now, new_id=lambda: CASE_ID)
    drafts: list[Draft] = []
    outcomes: list[Outcome] = []
    seconds: list[float] = []
    probabilities: list[float | None] = []
    for trial in trials:
        started = clock()
        drafts.append(draft(trial.case, pixels=trial.pixels))
        seconds.append(clock() - started)
        outcomes.append(outcome_of(trial, drafts[-1]))
        probabilities.append(listening.mean_log_probability())
    return Drafted(loaded.name, tuple(drafts), tuple(outcomes), tuple(seconds), tuple(probabilities), loaded.memory)


def compare(whole: Drafted, others: Sequence[Drafted], *, gate: Gate, seed: int, source: str) -> dict[str, object]:
    """The shape of `overread eval quantization --json`: each model, each pair, each verdict."""
    pairs = {other.name: _pair(whole, other, gate=gate, seed=seed) for other in others}
    return {
        "cases": source,
        "n_cases": len(whole.drafts),
        "seed": seed,
        "whole": whole.name,
        "models": {one.name: own_figures(one, seed=seed) for one in (whole, *others)},
        "pairs": pairs,
        "gate": {"version": gate.version, "sha256": gate.sha256},
        "passed": bool(pairs) and all(pair["verdict"] == Verdict.PASS.value for pair in pairs.values()),
        "intervals": "95 %, bootstrap of whole patients (Wilson over patients where all, none or no difference)",
    }


def _pair(whole: Drafted, other: Drafted, *, gate: Gate, seed: int) -> dict[str, object]:
    figures = pair_figures(whole, other, seed=seed)
    judged = judge(gate, figures)
    return {"verdict": overall(judged).value, "limits": [one.as_dict() for one in judged], "figures": figures}
