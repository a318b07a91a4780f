"""A backend that says what a test wrote down; it exists for tests only."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cases.draft import FailureKind
from vlm.backend import Answer
from vlm.errors import BackendError, ModelLoadError
from vlm.model_spec import ModelSpec, Quantization

SPEC = ModelSpec(
    model_id="scripted",
    folder=Path("/nowhere"),
    weights_sha256="f" * 64,
    codec="maira2@1",
    prompt="overread-1",
    input_side_px=100,
    quantization=Quantization.NONE,
)
NODULE = "<obj>Nodule in the right upper lobe.<box><x20><y30><x39><y49></box></obj>"
TOKENS = ("<obj>", "Nodule in the right upper lobe.", "<box>", "<x20>", "<y30>", "<x39>", "<y49>", "</box>", "</obj>")
LOG_PROBABILITIES = (-0.1, -0.1, -0.1, -0.5, -0.25, -0.25, -1.0, -0.1, -0.1)


def answer(text: str = NODULE, *, truncated: bool = False) -> Answer:
    if text == NODULE:
        return Answer(text, TOKENS, LOG_PROBABILITIES, truncated, (("generate", 0.5),))
    return Answer(text, (), (), truncated, (("generate", 0.5),))


def _mark(name: str) -> bool:
    """Leave a mark in the folder that the test named (SCRIPTED_MARKS); whether it was there before."""
    path = Path(os.environ["SCRIPTED_MARKS"]) / name
    known = path.exists()
    path.touch()
    return known


class Scripted:
    """Answers with what `act` returns, and remembers what it was asked."""

    def __init__(self, act: Callable[[], Answer], spec: ModelSpec = SPEC) -> None:
        self.act = act
        self.asked: list[tuple[NDArray[np.uint8] | None, str]] = []
        self._spec = spec

    @property
    def spec(self) -> ModelSpec:
        return self._spec

    def answer(self, *, image, prompt: str, prior=None) -> Answer:
        self.asked.append((image, prompt))
        return self.act()


class FromPrompt(Scripted):
    """For the child process: the case's indication says what is to happen."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(answer, spec)

    def answer(self, *, image, prompt: str, prior=None) -> Answer:
        if "hang" in prompt:
            if "SCRIPTED_MARKS" in os.environ:
                _mark("hangs")
            time.sleep(60)
        if "once" in prompt and not _mark("once"):
            os.kill(os.getpid(), signal.SIGKILL)
        if "allocate" in prompt:
            resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, resource.RLIM_INFINITY))
            np.ones(1 << 28)  # 2 GiB where one is allowed
        if "die" in prompt and "once" not in prompt:
            os.kill(os.getpid(), signal.SIGKILL)
        if "device" in prompt:
            return answer(f"<obj>Device {os.environ['CUDA_VISIBLE_DEVICES']}.</obj>")
        if "pid" in prompt:
            return answer(f"<obj>Process {os.getpid()}.</obj>")
        if "nan" in prompt:
            raise BackendError(FailureKind.NON_FINITE, "not finite at step 3", raw_text="<obj>half")
        return super().answer(image=image, prompt=prompt, prior=prior)


def refuses_to_load(spec: ModelSpec) -> Scripted:
    msg = f"the weights of {spec.model_id} are others"
    raise ModelLoadError(msg)


def dies_loading(spec: ModelSpec) -> Scripted:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def hangs_loading(spec: ModelSpec) -> Scripted:
    time.sleep(60)
    raise AssertionError
