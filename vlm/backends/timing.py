"""Timing one model on this device: image encoding, prefill and decoding, with the copy bandwidth beside them.

Device-agnostic: a GPU is waited for before a clock is read. Medians and floors are made of these numbers elsewhere
(`evals.bench`); here is only what was measured. Nothing counts as compiled unless it was seen to be.
"""

from __future__ import annotations

import platform
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from vlm.backends.decode_loop import COMPILED_REGION, GRAPH_LAUNCH, DecodeLoop, lacks_compiler
from vlm.backends.footprint import Footprint, bytes_per_token, footprint
from vlm.model_spec import Quantization
from vlm.timing import Effort, Proof, Subject, Task, Timed

COPY_BYTES = {"cpu": 1 << 28, "cuda": 1 << 31}
COPIES = 5
KIBI = 1024


class NotMeasurableError(RuntimeError):
    """Why a run cannot be timed here, in words."""


@dataclass(frozen=True, slots=True)
class Running:
    """A model ready to be timed.

    Attributes:
        model: in evaluation mode, on its device.
        image_inputs: what `get_image_features` takes, on the device; empty for a model without a tower.
    """

    model: Any
    image_inputs: dict[str, Any]


def measure(task: Task) -> Timed:
    """Time one task, in this process.

    Raises:
        NotMeasurableError: something that the task needs is not here, or compiled code did not run.
        ModelLoadError: the model cannot be loaded.
    """
    import torch

    refuse_what_is_missing(task)
    running = _running(task.subject)
    held = footprint(running.model)
    with torch.inference_mode():
        return timed_run(running, task=task, held=held)


def refuse_what_is_missing(task: Task) -> None:
    """A quantization without its package, or a compiled run without a compiler.

    Raises:
        NotMeasurableError: with what to install.
    """
    import torch

    whole = task.subject.quantization == Quantization.NONE
    if not whole and find_spec("bitsandbytes") is None:
        msg = f"{task.subject.quantization} needs bitsandbytes, which is not installed: pip install bitsandbytes"
        raise NotMeasurableError(msg)
    lacking = lacks_compiler() if task.compiler == "inductor" and not torch.cuda.is_available() else None
    if lacking is not None:
        raise NotMeasurableError(lacking)


def timed_run(running: Running, *, task: Task, held: Footprint) -> Timed:
    """Warm up, watch, repeat; the copy bandwidth is measured before and after, since another load may come and go."""
    model = running.model
    _refuse_overlong(model, task.effort)
    loop = DecodeLoop(model, effort=task.effort, compiler=task.compiler)
    read = bytes_per_token(model, loop.plain_step())
    before = copy_bandwidth(model.device.type)
    _forget_peak(model.device.type)
    started = time.perf_counter()
    _repeat(running, loop)
    compile_s = time.perf_counter() - started
    _repeat(running, loop)
    frames = _frames()
    laps = [_repeat(running, loop) for _ in range(task.effort.repeats)]
    peak = _peak_bytes(model.device.type)
    proof = None if task.compiler is None else _proof(loop, frames=frames, compile_s=compile_s)
    return Timed(
        device=device_name(model.device.type),
        threads=_threads(),
        weight_bytes=held.weight_bytes,
        quant_state_bytes=held.quant_state_bytes,
        saved_bytes=held.saved_bytes,
        quantized_layers=held.quantized_layers,
        bytes_per_token=read,
        peak_bytes=peak,
        copy_bytes_per_s=(*before, *copy_bandwidth(model.device.type)),
        image_s=tuple(lap.image_s for lap in laps if lap.image_s is not None),
        prefill_s=tuple(lap.prefill_s for lap in laps),
        token_s=tuple(lap.decode_s / (task.effort.new_tokens - 1) for lap in laps),
        draft_s=tuple((lap.image_s or 0.0) + lap.prefill_s + lap.decode_s for lap in laps),
        proof=proof,
    )


@dataclass(frozen=True, slots=True)
class _Lap:
    image_s: float | None
    prefill_s: float
    decode_s: float


def _repeat(running: Running, loop: DecodeLoop) -> _Lap:
    model, device = running.model, running.model.device.type
    image_s = None
    if running.image_inputs:
        image_s, _ = _clocked(lambda: model.get_image_features(**running.image_inputs), device)
    prefill_s, token = _clocked(loop.prefill, device)
    decode_s, _ = _clocked(lambda: loop.decode(token), device)
    return _Lap(image_s, prefill_s, decode_s)


def _clocked(work: Callable[[], Any], device: str) -> tuple[float, Any]:
    """Seconds of the work, the device waited for on both sides, and what it gave."""
    _wait(device)
    started = time.perf_counter()
    result = work()
    _wait(device)
    return time.perf_counter() - started, result


def _wait(device: str) -> None:
    import torch

    if device == "cuda":
        torch.cuda.synchronize()


def _proof(loop: DecodeLoop, *, frames: int, compile_s: float) -> Proof:
    """What was seen of the compiled code.

    Raises:
        NotMeasurableError: it did not run, did not run as a CUDA graph on a GPU, or was compiled anew while timed.
    """
    from torch._dynamo.utils import counters

    recompiled = _frames() - frames
    seen = loop.observed()
    launches = seen[GRAPH_LAUNCH] if loop.device == "cuda" else None
    proof = Proof(frames, recompiled, sum(counters["graph_break"].values()), seen[COMPILED_REGION], launches, compile_s)
    if not proof.frames or not proof.regions or proof.recompiled or proof.graph_breaks or launches == 0:
        msg = f"torch.compile was asked for and its code did not run as it should, so nothing was timed: {proof}"
        raise NotMeasurableError(msg)
    return proof


def _frames() -> int:
    """Graphs that dynamo has made in this process so far."""
    from torch._dynamo.utils import counters

    return int(counters["stats"]["unique_graphs"])


def copy_bandwidth(device: str) -> tuple[float, ...]:
    """Bytes read plus written per second by a large copy on the device, one value a try."""
    import torch

    size = COPY_BYTES[device]
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    target.copy_(source)  # pages are given out at the first touch
    return tuple(2 * size / _clocked(lambda: target.copy_(source), device)[0] for _ in range(COPIES))


def _refuse_overlong(model: Any, effort: Effort) -> None:  # noqa: ANN401
    room = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    wanted = effort.prompt_tokens + effort.new_tokens
    if room is not None and wanted > room:
        msg = f"prompt and answer have {wanted} tokens, the model takes {room}: ask for fewer"
        raise NotMeasurableError(msg)


def _running(subject: Subject) -> Running:
    if subject.shape is not None:
        from vlm.backends.shapes import shaped

        return shaped(subject.shape, quantization=Quantization(subject.quantization), dtype=subject.dtype)
    from vlm.backends.loading import load

    loaded = load(_spec(subject))
    return Running(loaded.model, _blank_image(loaded, _spec(subject).input_side_px))


def _spec(subject: Subject) -> Any:  # noqa: ANN401 - a ModelSpec
    if subject.spec is None or subject.spec.folder is None:
        msg = f"{subject.name} is not in a folder here, so it cannot be timed here: measure it where it is served"
        raise NotMeasurableError(msg)
    return subject.spec


def _blank_image(loaded: Any, side: int) -> dict[str, Any]:  # noqa: ANN401 - `loading.Loaded`
    """The tower's inputs for a grey image; what it shows does not change how long it takes."""
    from PIL import Image

    grey = Image.new("RGB", (side, side), (128, 128, 128))
    features = loaded.processor.image_processor(images=[grey], return_tensors="pt")
    moved = features.to(loaded.device, dtype=loaded.model.dtype)
    return {name: moved[name] for name in ("pixel_values", "image_grid_thw") if name in moved}


def device_name(device: str) -> str:
    """The device in words."""
    import torch

    return torch.cuda.get_device_name() if device == "cuda" else f"CPU, {platform.machine()}"


def _threads() -> int:
    import torch

    return int(torch.get_num_threads())


def _forget_peak(device: str) -> None:
    import torch

    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peak_bytes(device: str) -> int:
    import torch

    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBI  # Linux counts in KiB
