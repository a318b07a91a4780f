"""Drafting in a child process with a deadline: a model that crashes or hangs costs one failed draft, nothing more.

The child loads the model once and serves a batch of cases; after a crash or a timeout the next case starts a new one.
A draft is explained by the child that made it; where that breaks down, what words alone tell is told here, and the
rest stays unmeasured. The time and the id of each draft and of its evidence are given here, in the parent.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

from cases.draft import Draft, Failure, FailureKind
from cases.evidence import DraftEvidence
from cases.pixels import Rendered
from cases.study import Case
from vlm.errors import ModelLoadError, ModelLostError
from vlm.model_spec import ModelSpec
from vlm.outcome import DraftWriter, identity
from vlm.rulebook import Rules
from vlm.worker import Broken, Explanation, Ready, Refused, Reply, Start, Task

LOCAL_BACKEND = "vlm.backends.transformers_local:TransformersLocal"
SERVER_BACKEND = "vlm.backends.openai_server:OpenAIServer"
PROJECT = Path(__file__).resolve().parent.parent
PROGRAM = "from vlm.worker import main; main()"  # not `-m`, whose messages would be of other classes than ours
CHILD_ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",  # spinning threads cost tens of seconds beside another torch process
    "HF_HUB_OFFLINE": "1",
}


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds after which the child is killed: while it loads the model, drafts one case, and explains one draft."""

    load_s: float = 180.0
    case_s: float = 60.0
    evidence_s: float = 120.0


@dataclass(frozen=True, slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    connection: Connection

    def reply(self, *, deadline_s: float) -> Reply:
        """What the child says within the deadline; TimeoutError or EOFError when it does not, or died."""
        if not self.connection.poll(deadline_s):
            raise TimeoutError
        reply: Reply = self.connection.recv()
        return reply

    def end(self) -> int:
        """Kill it if it still runs; its exit status."""
        self.connection.close()
        self.process.kill()
        return self.process.wait()


class SupervisedDrafter:
    """Drafts cases in a child process; use it as a context manager, so that the child ends with it.

    Args:
        spec: the model that the child loads.
        now: UTC.
        new_id: for each draft.
        deadlines: after which the child is killed; None for those of `deadlines_of`.
        backend: "module:callable" that makes the backend from the spec, in the child; None for the one that the spec
            asks for.
        environment: what the child's environment has beside ours (CUDA_VISIBLE_DEVICES, say).
        rules: in force now, asked for before each draft; None where nobody asks for evidence.
    """

    def __init__(  # noqa: PLR0913 - what the child is and what the parent gives it
        self,
        spec: ModelSpec,
        *,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        deadlines: Deadlines | None = None,
        backend: str | None = None,
        environment: Mapping[str, str] | None = None,
        rules: Callable[[], Rules] | None = None,
    ) -> None:
        self._rules = rules
        self._in_force: Rules | None = None
        self._writer = DraftWriter(identity(spec), now, new_id)
        self._start = Start(backend or backend_reference(spec), spec)
        self._deadlines = deadlines or deadlines_of(spec)
        self._environment = dict(environment or {})
        self._child: _Child | None = None
        self._ready = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child; a later draft would start another."""
        child, self._child, self._ready = self._child, None, False
        if child is not None:
            child.end()

    def interrupt(self) -> None:
        """Kill the child, from another thread: `load` or `draft`, if one waits, returns as it does after a crash."""
        child = self._child
        if child is not None:
            child.process.kill()

    def start(self) -> None:
        """Start the child, which begins to load the model; do other work meanwhile, then `load` or `draft`."""
        if self._child is not None:
            return
        self._child = _started(_environment(os.environ) | self._environment)
        with suppress(OSError):  # a child that is already gone says so when it is asked
            self._child.connection.send(self._start)

    def load(self) -> None:
        """Wait until the model is loaded, so that the first draft does not; starts the child where that is not done.

        Raises:
            ModelLoadError: the model must not be loaded; ModelLostError where its process died or took too long.
        """
        self.start()
        if self._child is None or self._ready:
            return
        try:
            reply = self._child.reply(deadline_s=self._deadlines.load_s)
        except (EOFError, OSError) as fault:  # TimeoutError is an OSError
            self.close()
            msg = f"the model's process did not load it within {self._deadlines.load_s:g} s ({type(fault).__name__})"
            raise ModelLostError(msg) from fault
        if not isinstance(reply, Ready):
            self.close()
            msg = reply.message if isinstance(reply, Refused) else "the model's process answered out of turn"
            raise ModelLoadError(msg)
        self._ready = True

    def draft(self, case: Case, *, pixels: Rendered | None) -> Draft:
        """The draft of one case; a crash or a timeout of the child is a failed draft.

        Raises:
            ModelLoadError: the model must not, or could not, be loaded.
            ProtocolError: the rules by which the draft would be judged cannot be followed; the model is not asked.
            ValueError: the pixels are not those of the case.
        """
        if case.abstention is not None:
            return self._writer.abstained(case)
        self._in_force = None if self._rules is None else self._rules()
        self.load()
        try:
            reply = self._asked(Task(case, pixels), deadline_s=self._deadlines.case_s)
        except TimeoutError:
            self.close()
            msg = (
                f"no answer within {self._deadlines.case_s:g} s, the model was stopped: draft again, or read without it"
            )
            return self._writer.failed(case, Failure(FailureKind.TIMEOUT, msg))
        except (EOFError, OSError):
            return self._writer.failed(case, Failure(FailureKind.CRASH, self._obituary()))
        return self._stamped(case, reply)

    def explain(self, draft: Draft, *, case: Case, pixels: Rendered | None) -> DraftEvidence | None:
        """The evidence of a draft that this drafter has just made; None for one without a report, or without rules.

        A model that cannot be asked any more, or breaks down, leaves what words alone tell, by the same rules.
        """
        rules = self._in_force
        if rules is None or draft.report is None or pixels is None:
            return None
        try:
            reply = self._asked(Explanation(case, pixels, draft, rules), deadline_s=self._deadlines.evidence_s)
        except (EOFError, OSError):  # TimeoutError is an OSError
            self.close()
            reply = Broken("lost")
        told = reply if isinstance(reply, DraftEvidence) else _from_words(draft, case, pixels=pixels, rules=rules)
        return replace(told, evidence_id=self._writer.new_id(), created=self._writer.now())

    @property
    def uncalibrated(self) -> str:
        """Why the calibration that is there was not used for the last draft, in words; "" where nothing was refused."""
        return "" if self._in_force is None else self._in_force.uncalibrated

    def _asked(self, task: Task | Explanation, *, deadline_s: float) -> Reply:
        if self._child is None:
            raise EOFError
        self._child.connection.send(task)
        return self._child.reply(deadline_s=deadline_s)

    def _obituary(self) -> str:
        """How the child ended, in words; a negative status is the signal that ended it."""
        child, self._child, self._ready = self._child, None, False
        status = None if child is None else _settled(child)
        return f"the model's process ended while drafting (exit status {status}): draft again, or read without it"

    def _stamped(self, case: Case, reply: Reply) -> Draft:
        if isinstance(reply, Draft):
            return replace(reply, draft_id=self._writer.new_id(), created=self._writer.now())
        if isinstance(reply, Refused):
            raise ValueError(reply.message)
        kind = reply.kind if isinstance(reply, Broken) else type(reply).__name__
        msg = f"drafting raised {kind}: draft again, or read without it"
        return self._writer.failed(case, Failure(FailureKind.CRASH, msg))


def deadlines_of(spec: ModelSpec) -> Deadlines:
    """The deadlines for a spec: a site's model is many GB to hash and to read, and writes longer answers."""
    return Deadlines() if spec.family == "overread" else Deadlines(load_s=1800.0, case_s=300.0, evidence_s=600.0)


def _from_words(draft: Draft, case: Case, *, pixels: Rendered, rules: Rules) -> DraftEvidence:
    """What can be told of a draft without its model; the framework that it takes is imported only here."""
    from vlm.explain import explain

    return explain(case, pixels=pixels, draft=draft, backend=None, rules=rules)


def backend_reference(spec: ModelSpec) -> str:
    """The backend that a spec asks for, as "module:callable": its server where it has an endpoint, else this machine.

    >>> served = {"endpoint": "http://127.0.0.1:8000/v1", "served_name": "s"}
    >>> backend_reference(ModelSpec("m", None, "", "maira2@1", "p", 518, **served))
    'vlm.backends.openai_server:OpenAIServer'
    """
    return LOCAL_BACKEND if spec.endpoint is None else SERVER_BACKEND


def _settled(child: _Child) -> int:
    """The exit status of a child that hung up; it is given a moment to end by itself first."""
    try:
        return child.process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return child.end()


def _started(environment: Mapping[str, str]) -> _Child:
    ours, theirs = Pipe()
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-c", PROGRAM, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # a traceback may quote a note; kinds and exit statuses come back instead
            process_group=0,  # Ctrl-C goes to the parent, which ends the child
        )
    return _Child(process, ours)


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: ours, with quiet defaults, and the project on its path."""
    path = os.pathsep.join(part for part in (str(PROJECT), given.get("PYTHONPATH", "")) if part)
    return {**CHILD_ENVIRONMENT, **given, "PYTHONPATH": path}
