"""How fast a model runs on this machine: what is asked of one run, what it measured, and the process that it runs in.

Each run has a process of its own, so that peak memory is its own, compiled code of one run never serves another, and a
crash or a lack of memory costs one row of a table. Nothing here imports torch (`vlm.backends.timing` does). What was
not measured says why.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path

from vlm.model_spec import ModelSpec

PROJECT = Path(__file__).resolve().parent.parent
PROGRAM = "from vlm.backends.timing_worker import main; main()"
QUIET = {"OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
LONGEST_RUN_S = 3600.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is run.

    Attributes:
        prompt_tokens: tokens before the answer, those of the image among them.
        new_tokens: tokens of the answer.
        repeats: how often; the first run, which warms up, is not among them.
    """

    prompt_tokens: int
    new_tokens: int
    repeats: int

    def __post_init__(self) -> None:
        """Refuse a run without a decoding step or without a repeat."""
        if self.prompt_tokens < 1 or self.new_tokens < 2 or self.repeats < 1:
            msg = f"a run has a prompt, 2 new tokens or more and a repeat or more: {self}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is timed: a model that the site has (`spec`), or a shape filled with random weights (`shape`).

    Attributes:
        name: of the model or of the shape.
        spec: with the quantization and dtype of this run; None for a shape.
        shape: its name in `vlm/backends/shapes.json`; None for a model.
        quantization: value of `vlm.model_spec.Quantization`.
        dtype: "bfloat16" or "float32".
    """

    name: str
    spec: ModelSpec | None
    shape: str | None
    quantization: str
    dtype: str

    def __post_init__(self) -> None:
        """Refuse a subject that is both or neither."""
        if (self.spec is None) == (self.shape is None):
            msg = f"what is timed is a model or a shape, exactly one: {self.name}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Task:
    """One run: what, how much, eager (`compiler` None) or compiled by that backend of torch.compile."""

    subject: Subject
    effort: Effort
    compiler: str | None


@dataclass(frozen=True, slots=True)
class Proof:
    """What was seen of the compiled code while it ran; without it a row would be eager under another name.

    Attributes:
        frames: frames that were compiled before the timed repeats began.
        recompiled: frames compiled during them; 0, or the times are not those of compiled code.
        graph_breaks: places where the compiler gave up and Python went on.
        regions: compiled regions entered in one profiled step.
        graph_launches: CUDA graphs launched in that step; None on a CPU, which has none.
        compile_s: seconds of the first, compiling repeat.
    """

    frames: int
    recompiled: int
    graph_breaks: int
    regions: int
    graph_launches: int | None
    compile_s: float


@dataclass(frozen=True, slots=True)
class Timed:
    """What one run measured; every tuple has one value a repeat.

    Attributes:
        device: in words.
        threads: of torch on a CPU.
        weight_bytes, quant_state_bytes, saved_bytes, quantized_layers: see `vlm.backends.footprint.Footprint`.
        bytes_per_token: of weights that one decoding step reads.
        peak_bytes: on a GPU of the allocator during the run; on a CPU of the process, libraries included.
        copy_bytes_per_s: read plus written, of a large copy on this device, before and after the run.
        image_s: encoding of one image by tower and projector; () for a model without one.
        prefill_s: the language model over the prompt.
        token_s: mean of one decoding step.
        draft_s: image, prefill and all new tokens.
        proof: of a compiled run, else None.
    """

    device: str
    threads: int
    weight_bytes: int
    quant_state_bytes: int
    saved_bytes: int
    quantized_layers: int
    bytes_per_token: int
    peak_bytes: int
    copy_bytes_per_s: tuple[float, ...]
    image_s: tuple[float, ...]
    prefill_s: tuple[float, ...]
    token_s: tuple[float, ...]
    draft_s: tuple[float, ...]
    proof: Proof | None


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """Why a run measured nothing, in words."""

    reason: str


def timed(task: Task, *, deadline_s: float = LONGEST_RUN_S) -> Timed | NotMeasured:
    """Run one task in a process of its own; whatever happens to it is a reason, not an error."""
    ours, theirs = Pipe()
    with theirs:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-c", PROGRAM, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    try:
        ours.send(task)
        if not ours.poll(deadline_s):
            return NotMeasured(
                f"no result within {deadline_s:g} s, the run was stopped: give it longer, or fewer tokens"
            )
        answer: Timed | NotMeasured = ours.recv()
        return answer
    except (EOFError, OSError):
        status = child.wait()
        return NotMeasured(f"the run's process ended by itself (exit status {status}; -9 is often a lack of memory)")
    finally:
        ours.close()
        child.kill()
        child.wait()


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    path = os.pathsep.join(part for part in (str(PROJECT), given.get("PYTHONPATH", "")) if part)
    return {**QUIET, **given, "PYTHONPATH": path}
