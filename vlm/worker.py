"""The child process in which a model runs: loads one backend, then drafts and explains what it is sent, one at a time.

Started by `vlm.supervised`, never by hand. It is its own program, not a fork or re-import
of the caller's main module, so that a dashboard's page is not run a second time in it. It ends when the other side of
its connection does, in the middle of a case too: no model outlives a server that was killed.
"""

from __future__ import annotations

import gc
import os
import select
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from multiprocessing.connection import Connection

from cases.draft import Draft
from cases.evidence import DraftEvidence
from cases.pixels import Rendered
from cases.study import Case
from vlm.backend import Backend
from vlm.errors import ModelLoadError
from vlm.model_spec import ModelSpec, Quantization
from vlm.rulebook import Rules

UNSTAMPED = "unstamped"  # the parent gives each draft its id and its time
HUNG_UP = 75  # exit status (EX_TEMPFAIL): the parent is gone


@dataclass(frozen=True, slots=True)
class Start:
    """The first message to the child: which backend ("module:callable", called with the spec) of which model."""

    backend: str
    spec: ModelSpec


@dataclass(frozen=True, slots=True)
class Task:
    """One case to draft, with the pixels of its images."""

    case: Case
    pixels: Rendered | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A draft of this model's, to be explained: what drove it, and what the rules make of it."""

    case: Case
    pixels: Rendered
    draft: Draft
    rules: Rules


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The caller's fault, or a model that must not be loaded: no draft is recorded for it."""

    message: str


@dataclass(frozen=True, slots=True)
class Broken:
    """An error that nobody foresaw; only its type leaves the child, since its text may quote a note."""

    kind: str


@dataclass(slots=True)
class Models:
    """The model of this process, and the same with fewer bits, loaded when the written rules first ask for it.

    Attributes:
        start: what this process was started with.
        own: the model that drafts.
        others: by quantization; None for one that cannot be loaded.
    """

    start: Start
    own: Backend
    others: dict[Quantization, Backend | None] = field(default_factory=dict)

    def quantized(self, name: str | None) -> Backend | None:
        """The same weights with fewer bits; None where nobody asks or it cannot be had: a server's bits are its own."""
        if name is None or self.start.spec.endpoint is not None or Quantization(name) is self.start.spec.quantization:
            return None
        wanted = Quantization(name)
        if wanted not in self.others:
            try:
                self.others[wanted] = backend_named(self.start.backend)(replace(self.start.spec, quantization=wanted))
            except ModelLoadError:
                self.others[wanted] = None
        return self.others[wanted]


Reply = Ready | Refused | Broken | Draft | DraftEvidence


def backend_named(reference: str) -> Callable[[ModelSpec], Backend]:
    """The callable behind "module:callable"."""
    module, name = reference.split(":")
    build: Callable[[ModelSpec], Backend] = getattr(import_module(module), name)
    return build


def serve(connection: Connection) -> None:
    """Load what the first message names, then answer each task until the other side hangs up."""
    start = connection.recv()
    try:
        backend = _loaded(start)
    except ModelLoadError as fault:
        connection.send(Refused(str(fault)))
        return
    connection.send(Ready())
    models = Models(start, backend)
    while True:
        connection.send(_answered(connection.recv(), models))


def _loaded(start: Start) -> Backend:
    """The backend and all that drafting imports; it stays, so the collector need not walk it, now or later."""
    gc.disable()  # a sixth of the loading time is the collector, looking for garbage among modules
    try:
        backend = backend_named(start.backend)(start.spec)
        import_module("vlm.explain")  # drafting's framework takes seconds to import: not on the first case's time
    finally:
        gc.freeze()
        gc.enable()
    return backend


def _answered(task: Task | Explanation, models: Models) -> Reply:
    try:
        return _drafted(task, models.own) if isinstance(task, Task) else _explained(task, models)
    except ValueError as fault:
        return Refused(str(fault))
    except Exception as fault:  # noqa: BLE001 - the parent counts it as a crash, by its type
        return Broken(type(fault).__name__)


def _drafted(task: Task, backend: Backend) -> Draft:
    from vlm.draft import draft_case

    case = task.case
    return draft_case(case, pixels=task.pixels, backend=backend, now=lambda: case.received, new_id=lambda: UNSTAMPED)


def _explained(task: Explanation, models: Models) -> DraftEvidence:
    from vlm.explain import explain

    return explain(
        task.case,
        pixels=task.pixels,
        draft=task.draft,
        backend=models.own,
        rules=task.rules,
        quantized=models.quantized(task.rules.protocol.second_quantization),
    )


def _end_with_the_parent(descriptor: int) -> None:
    """End this process as soon as the other side of its connection is closed, whatever it is doing."""

    def watch() -> None:
        poll = select.poll()
        poll.register(descriptor, 0)  # nothing but the hang-up, which is always told
        poll.poll()
        os._exit(HUNG_UP)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def main() -> None:
    """Serve the connection whose file descriptor is the first argument."""
    with Connection(int(sys.argv[1])) as connection:
        _end_with_the_parent(connection.fileno())
        try:
            serve(connection)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return
