"""Untrusted DICOM is opened in a process of its own, with a deadline and a memory cap.

A crafted file can make a parser loop for ever or a codec allocate gigabytes, and no exception handler helps: only
killing the process does. One process serves a whole import; after a kill the next file gets a fresh one. POSIX only
(RLIMIT_AS).
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cases.faults import (
    CaseError,
    DeadlineError,
    DecoderCrashError,
    TooLargeError,
    TruncatedError,
    UnreadableError,
    fault_named,
)

if TYPE_CHECKING:
    from types import TracebackType
    from typing import IO, Any, Self

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

_ROOT = Path(__file__).resolve().parent.parent
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a single file may ask for.

    Attributes:
        seconds: wall clock for parsing, and again for decoding; a 2000 x 2000 radiograph takes under one.
        processor_seconds: the same in processor time, which a busy machine does not stretch.
        start_seconds: wall clock for the process to load its codecs.
        memory_bytes: address space of the process; Python with its codecs takes some 0.3 GB of it.
        file_bytes: larger files are not opened.
        answer_bytes: a longer answer is not believed.
    """

    seconds: float = 60.0
    processor_seconds: int = 15
    start_seconds: float = 120.0
    memory_bytes: int = 2 << 30
    file_bytes: int = 256 << 20
    answer_bytes: int = 128 << 20


@dataclass(frozen=True, slots=True)
class Decoded:
    """Rendered pixels, (rows, columns) uint16, and what was assumed in rendering them."""

    pixels: NDArray[np.uint16]
    warnings: tuple[str, ...]


class Decoder:
    """The decoding process, started on entry so that it is warm when the first file comes.

    Use as a context manager: `header` reads a file, then `pixels` decodes the file that was read last.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        self._started()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def header(self, data: bytes) -> Dataset:
        """The header of a file, without pixels, private and bulk elements.

        Raises:
            CaseError: what is wrong with the file.
        """
        if len(data) > self._limits.file_bytes:
            msg = f"the file has {len(data):,} bytes, more than {self._limits.file_bytes:,}"
            raise TooLargeError(msg)
        if not data:
            msg = "the file is empty"
            raise TruncatedError(msg)
        return _as_header(self._ask(data)["header"])

    def pixels(self) -> Decoded:
        """The rendered pixels of the file that `header` read last.

        Raises:
            CaseError: what is wrong with them.
        """
        answer = self._ask(b"")
        rows, columns = int(answer["rows"]), int(answer["columns"])
        samples = np.frombuffer(self._guarded_receive(self._deadline()), dtype="<u2")
        return Decoded(samples.reshape(rows, columns).astype(np.uint16), tuple(answer["warnings"]))

    def _ask(self, request: bytes) -> dict[str, Any]:
        child = self._started()
        try:
            child.wait_until_ready()
            deadline = self._deadline()
            child.send(request, deadline)
        except (CaseError, OSError) as error:
            raise self._failed(error) from error
        answer: dict[str, Any] = json.loads(self._guarded_receive(deadline))
        if "fault" in answer:
            raise fault_named(answer["fault"]["rule"], answer["fault"]["found"])
        return answer

    def _guarded_receive(self, deadline: float) -> bytes:
        try:
            return self._started().receive(deadline, at_most=self._limits.answer_bytes)
        except (CaseError, OSError) as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> CaseError:
        """End the process: after a fault of its own it is not to be trusted with the next file."""
        self._stop()
        if isinstance(error, CaseError):
            return error
        return DecoderCrashError("the decoding process ended while it read the file")

    def _deadline(self) -> float:
        return time.monotonic() + self._limits.seconds

    def _started(self) -> _Child:
        if self._child is None:
            self._child = _Child(self._limits)
        return self._child

    def _stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None


class _Child:
    """One decoding process and the two pipes to it."""

    def __init__(self, limits: Limits) -> None:
        caps = (str(limits.memory_bytes), str(limits.processor_seconds))
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            [sys.executable, "-P", "-m", "cases.decode_worker", *caps],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=_bare_environment(),
        )
        if self._process.stdin is None or self._process.stdout is None:
            msg = "the decoding process has no pipes"
            raise RuntimeError(msg)
        self._requests, self._answers = self._process.stdin, self._process.stdout
        for pipe in (self._requests, self._answers):
            os.set_blocking(pipe.fileno(), False)
        self._starts_by: float | None = time.monotonic() + limits.start_seconds

    def wait_until_ready(self) -> None:
        """Wait, once, for the process to have loaded its codecs: no file is to blame for that time."""
        if self._starts_by is not None:
            self.receive(self._starts_by, at_most=0)
            self._starts_by = None

    def send(self, content: bytes, deadline: float) -> None:
        rest = memoryview(len(content).to_bytes(8, "little") + content)
        while rest:
            self._wait(self._requests, selectors.EVENT_WRITE, deadline)
            rest = rest[os.write(self._requests.fileno(), rest[:_CHUNK]) :]

    def receive(self, deadline: float, *, at_most: int) -> bytes:
        size = int.from_bytes(self._read(8, deadline), "little")
        if size > at_most:
            msg = f"an answer of {size:,} bytes"
            raise DecoderCrashError(msg)
        return self._read(size, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            self._wait(self._answers, selectors.EVENT_READ, deadline)
            part = os.read(self._answers.fileno(), min(size - len(parts), _CHUNK))
            if not part:
                raise self._ended()
            parts += part
        return bytes(parts)

    def _ended(self) -> CaseError:
        """Why there is no more to read: out of processor time, or a crash."""
        if self._process.wait(timeout=5) == -signal.SIGXCPU:
            return DeadlineError("reading it took more processor time than any radiograph takes")
        return DecoderCrashError("the decoding process ended while it read the file")

    def _wait(self, pipe: IO[bytes], event: int, deadline: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, event)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                msg = "reading it did not end in time"
                raise DeadlineError(msg)

    def kill(self) -> None:
        self._process.kill()
        for pipe in (self._requests, self._answers):
            with contextlib.suppress(OSError):
                pipe.close()
        self._process.wait()


def _as_header(elements: dict[str, Any]) -> Dataset:
    """The data set, without pydicom's remarks on odd values: they quote them, and a value may name the patient."""
    from pydicom.config import disable_value_validation  # late: the process imports it at the same time
    from pydicom.dataset import Dataset

    try:
        with disable_value_validation():
            return Dataset.from_json(elements)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        msg = f"the header has no form that can be handed on ({type(error).__name__})"
        raise UnreadableError(msg) from error


def _bare_environment() -> dict[str, str]:
    """What the process needs to find this package; no secrets of ours, one thread each for the libraries."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(_ROOT),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
