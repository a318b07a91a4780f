"""Which rows the speed table has, and filling them one by one, keeping what an earlier run already measured."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evals.bench import COMPILED, EAGER, Row, RowKey
from evals.bench_file import Made, kept
from vlm.backends.shapes import Shape
from vlm.model_spec import ModelSpec, Quantization
from vlm.outcome import installed_versions
from vlm.timing import Effort, NotMeasured, Subject, Task, Timed

COMPUTED_BY = ("torch", "transformers", "bitsandbytes")
INDUCTOR = "inductor"
MODES = {EAGER: None, COMPILED: INDUCTOR}
ON_GPU_ONLY = "built only on a GPU, and this machine has none: run the same command on a CUDA machine"


class Weights(StrEnum):
    """How a row's weights are stored, as the command line spells it."""

    BF16 = "bf16"
    FP32 = "fp32"
    INT8 = "int8"
    NF4 = "nf4"
    NF4_DOUBLE = "nf4-double"


WHOLE = {Weights.BF16: "bfloat16", Weights.FP32: "float32"}


@dataclass(frozen=True, slots=True)
class Planned:
    """A row to come: its key, what will be run, and the fingerprint of what it depends on."""

    key: RowKey
    task: Task
    inputs: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides how rows are made here.

    Attributes:
        words: the machine in plain words; part of every fingerprint.
        has_gpu: on a GPU what is not quantized stays in bfloat16 beside quantized layers; on a CPU in the model's own
            dtype, since many processors have no bfloat16 arithmetic.
    """

    words: str
    has_gpu: bool


@dataclass(frozen=True, slots=True)
class Occasion:
    """When a run takes place: ISO day, and another load that is there already, in words ("" for none)."""

    date: str
    beside: str = ""


def model_rows(
    spec: ModelSpec, *, weights: Sequence[Weights], modes: Sequence[str], effort: Effort, machine: Machine
) -> Iterator[Planned]:
    """The rows of a model that lies in a folder here (or is served, and then each row says that it cannot be timed)."""
    for stored in weights:
        dtype = WHOLE.get(stored) or ("bfloat16" if machine.has_gpu else spec.dtype)
        quantization = Quantization.NONE if stored in WHOLE else Quantization(stored.value)
        made = dataclasses.replace(spec, quantization=quantization, dtype=dtype)
        subject = Subject(spec.model_id, made, None, quantization.value, dtype)
        yield from _modes(subject, modes, effort, content=spec.content, machine=machine)


def shape_rows(
    shape: Shape, *, weights: Sequence[Weights], modes: Sequence[str], effort: Effort, machine: Machine
) -> Iterator[Planned]:
    """The rows of a shape with random weights; its own number of prompt tokens stands in for the effort's."""
    own = dataclasses.replace(effort, prompt_tokens=shape.prompt_tokens)
    content = json.dumps(dataclasses.asdict(shape), sort_keys=True)
    for stored in weights:
        quantization = Quantization.NONE if stored in WHOLE else Quantization(stored.value)
        dtype = WHOLE.get(stored, "bfloat16")
        subject = Subject(f"{shape.name} (random weights)", None, shape.name, quantization.value, dtype)
        yield from _modes(subject, modes, own, content=content, machine=machine)


def _modes(
    subject: Subject, modes: Sequence[str], effort: Effort, *, content: str, machine: Machine
) -> Iterator[Planned]:
    for mode in modes:
        key = RowKey(subject.name, subject.dtype, subject.quantization, mode)
        inputs = _fingerprint(content, effort, machine)
        yield Planned(key, Task(subject, effort, MODES[mode]), inputs)


def _fingerprint(content: str, effort: Effort, machine: Machine) -> str:
    made_by = (content, dataclasses.astuple(effort), machine.words, machine.has_gpu, installed_versions(COMPUTED_BY))
    return hashlib.sha256(repr(made_by).encode("utf-8")).hexdigest()[:16]


def fill(
    planned: Sequence[Planned],
    *,
    earlier: Sequence[Made],
    run: Callable[[Task], Timed | NotMeasured],
    machine: Machine,
    occasion: Occasion,
) -> Iterator[Made]:
    """Each row in turn, from the earlier run where it can be kept.

    Args:
        planned: the rows.
        earlier: rows of an earlier run.
        run: times one task (`vlm.timing.timed`).
        machine: on which a shape is refused without a GPU, without starting anything.
        occasion: of the rows that are run now.
    """
    for planned_row in planned:
        found = kept(earlier, planned_row.key, inputs=planned_row.inputs)
        if found is None:
            task = planned_row.task
            row = Row(planned_row.key, task.effort, _result(task, run=run, machine=machine))
            found = Made(row, planned_row.inputs, occasion.date, occasion.beside)
        yield found


def _result(task: Task, *, run: Callable[[Task], Timed | NotMeasured], machine: Machine) -> Timed | NotMeasured:
    if task.subject.shape is not None and not machine.has_gpu:
        return NotMeasured(ON_GPU_ONLY)
    return run(task)
