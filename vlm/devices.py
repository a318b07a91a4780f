"""Which GPUs this machine offers, found without importing torch, so that a server can start one model on each.

A child that is to use one of them gets `CUDA_VISIBLE_DEVICES` in its environment, and sees no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"
NVIDIA = Path("/proc/driver/nvidia/gpus")  # one folder per card, written by NVIDIA's driver on Linux


def gpus(environment: Mapping[str, str], *, driver: Path = NVIDIA) -> tuple[str, ...]:
    """The names by which CUDA knows the GPUs that may be used here; () on a machine without one.

    Args:
        environment: where it names devices, only those count.
        driver: the driver's list of cards.

    >>> gpus({"CUDA_VISIBLE_DEVICES": "1, GPU-8932"}, driver=Path("/nowhere"))
    ('1', 'GPU-8932')
    >>> gpus({"CUDA_VISIBLE_DEVICES": "-1"})
    ()
    """
    if VISIBLE in environment:
        named = [part.strip() for part in environment[VISIBLE].split(",")]
        valid = next((at for at, name in enumerate(named) if name in ("", "-1", "none", "NoDevFiles")), len(named))
        return tuple(named[:valid])  # CUDA too stops reading at the first that it does not know
    try:
        return tuple(str(number) for number, _ in enumerate(driver.iterdir()))
    except OSError:
        return ()


def child_environments(environment: Mapping[str, str], *, driver: Path = NVIDIA) -> tuple[dict[str, str], ...]:
    """What to add to the environment of each model's process: one per GPU, or one for the CPU.

    >>> child_environments({"CUDA_VISIBLE_DEVICES": "0,1"})
    ({'CUDA_VISIBLE_DEVICES': '0'}, {'CUDA_VISIBLE_DEVICES': '1'})
    >>> child_environments({"CUDA_VISIBLE_DEVICES": ""})
    ({},)
    """
    return tuple({VISIBLE: name} for name in gpus(environment, driver=driver)) or ({},)
