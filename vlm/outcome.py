"""The drafts that need no model to write: abstained and failed ones, and the identity that every draft carries.

Kept apart from `vlm.draft` so that a process which only supervises imports neither a model nor its framework.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from typing import Any

from cases.draft import Draft, DraftStatus, Failure, ModelIdentity, StageSeconds
from cases.study import Case
from grounding.placement import Placement
from grounding.report import GroundedReport
from vlm.model_spec import ModelSpec
from vlm.prompt import load_template

COMPUTED_BY = ("torch", "transformers", "tokenizers", "bitsandbytes", "langchain-core", "numpy", "pillow")
ASKED_BY = ("httpx2", "pydantic", "langchain-core", "numpy", "pillow")  # a server's own versions are not known here


def identity(spec: ModelSpec) -> ModelIdentity:
    """What a draft stores of its model: spec, prompt template and the versions of what computed it."""
    return ModelIdentity(
        model_id=spec.model_id,
        revision=spec.content,
        quantization=spec.quantization.value,
        dtype=spec.dtype,
        prompt_hash=load_template(spec.prompt).sha256,
        codec=spec.codec,
        versions=installed_versions(COMPUTED_BY if spec.endpoint is None else ASKED_BY),
        self_test=spec.self_test,
    )


def installed_versions(packages: Iterable[str]) -> tuple[str, ...]:
    """Name and version ("numpy==2.4.0") of those that are installed.

    >>> installed_versions(["no-such-package-here"])
    ()
    """
    found = {name: version for name in packages if (version := _version(name)) is not None}
    return tuple(f"{name}=={version}" for name, version in found.items())


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class Trace:
    """What is kept of every attempt, however it ended: the answer, the placement, seconds per stage."""

    raw_text: str = ""
    placement: Placement | None = None
    seconds: tuple[StageSeconds, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftWriter:
    """Writes one model's drafts: each is a report, a failure or an abstention.

    Attributes:
        model: stored with each draft.
        now: UTC.
        new_id: gives opaque, unique ids.
    """

    model: ModelIdentity
    now: Callable[[], datetime]
    new_id: Callable[[], str]

    def abstained(self, case: Case) -> Draft:
        """The draft of a case out of scope: its reason; no model was asked.

        Raises:
            ValueError: the case is in scope.
        """
        if case.abstention is None:
            msg = f"case {case.case_id} is in scope: draft it"
            raise ValueError(msg)
        return self._draft(case, DraftStatus.ABSTAINED, Trace(), abstention=case.abstention)

    def failed(self, case: Case, failure: Failure, *, trace: Trace | None = None) -> Draft:
        """The draft of a case whose drafting failed: never an empty report."""
        return self._draft(case, DraftStatus.FAILED, trace or Trace(), failure=failure)

    def written(self, case: Case, report: GroundedReport, *, box_scores: tuple[float, ...], trace: Trace) -> Draft:
        """The draft of a case that the model answered."""
        return self._draft(case, DraftStatus.OK, trace, report=report, box_scores=box_scores)

    def _draft(self, case: Case, status: DraftStatus, trace: Trace, **parts: Any) -> Draft:  # noqa: ANN401 - Draft's own
        return Draft(
            draft_id=self.new_id(),
            case_id=case.case_id,
            created=self.now(),
            status=status,
            model=self.model,
            raw_text=trace.raw_text,
            placement=trace.placement,
            seconds=trace.seconds,
            **parts,
        )
