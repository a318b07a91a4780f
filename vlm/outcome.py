"""The drafts that need no model to write: abstained and failed ones, and the identity that every draft carries.

Kept apart from `vlm.draft` so that a process which only supervises imports neither a model nor its framework.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from importlib import metadata

from cases.draft import Draft, DraftStatus, Failure, ModelIdentity, StageSeconds
from cases.study import Case
from grounding.placement import Placement
from vlm.model_spec import ModelSpec
from vlm.prompt import load_template

COMPUTED_BY = ("torch", "transformers", "tokenizers", "bitsandbytes", "langchain-core", "numpy", "pillow")


def identity(spec: ModelSpec) -> ModelIdentity:
    """What a draft stores of its model: spec, prompt template and the versions of what computed it."""
    return ModelIdentity(
        model_id=spec.model_id,
        revision=spec.weights_sha256,
        quantization=spec.quantization.value,
        dtype=spec.dtype,
        prompt_hash=load_template(spec.prompt).sha256,
        codec=spec.codec,
        versions=installed_versions(COMPUTED_BY),
    )


def installed_versions(packages: Iterable[str]) -> tuple[str, ...]:
    """ "package==version" of those that are installed.

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


def abstained_draft(case: Case, *, spec: ModelSpec, now: Callable[[], datetime], new_id: Callable[[], str]) -> Draft:
    """The draft of a case out of scope: the reason, and no model was asked.

    Raises:
        ValueError: the case is in scope.
    """
    if case.abstention is None:
        msg = f"case {case.case_id} is in scope: draft it"
        raise ValueError(msg)
    return Draft(
        draft_id=new_id(),
        case_id=case.case_id,
        created=now(),
        status=DraftStatus.ABSTAINED,
        model=identity(spec),
        raw_text="",
        abstention=case.abstention,
    )


def failed_draft(
    case: Case,
    failure: Failure,
    *,
    model: ModelIdentity,
    now: Callable[[], datetime],
    new_id: Callable[[], str],
    raw_text: str = "",
    placement: Placement | None = None,
    seconds: tuple[StageSeconds, ...] = (),
) -> Draft:  # noqa: PLR0913 - a draft has that many parts
    """The draft of a case whose drafting failed: never an empty report."""
    return Draft(
        draft_id=new_id(),
        case_id=case.case_id,
        created=now(),
        status=DraftStatus.FAILED,
        model=model,
        raw_text=raw_text,
        failure=failure,
        placement=placement,
        seconds=seconds,
    )
