"""What is kept of self-tests, beside the store, and the gate: a model that failed, or was never tested, drafts nothing.

A file and not a row of the ledger: the test is of a model and not of a case, and it must be possible to take it while
the dashboard holds the store. Every draft carries its result (`ModelIdentity.self_test`), and so it does reach the
ledger, under the hashes of each draft that it allowed. The file is keyed by the hash of the model's whole identity:
another weight, quantization, prompt, codec or library version is another model, and asks for a test of its own.

The embedded model alone may draft untested: its weights are committed, and the project's own tests take its test.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path
from typing import Annotated, Final

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from cases.audit import canonical_json
from cases.paths import StorePaths
from vlm.errors import ModelLoadError, NotOfferedError
from vlm.model_spec import ModelSpec, Quantization
from vlm.outcome import identity
from vlm.registry import EMBEDDED_FOLDER, site_file, spec_named
from vlm.self_test import SelfTest

ASKED: Final = ("family", "input_side_px", "max_new_tokens", "endpoint", "served_name")
Count = Annotated[int, Field(strict=True, ge=0)]


@checked_dataclass(frozen=True, config={"extra": "forbid"})
class _Kept:
    """A self-test as the file holds it."""

    model_id: str
    rule: str
    taken: AwareDatetime
    targets: Count
    answered: Count
    within: Count
    median_error: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    fault: str
    failures: tuple[tuple[str, Count], ...]

    def self_test(self) -> SelfTest:
        """The same, as it was taken."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(SelfTest)}
        return SelfTest(**fields)


_FILE: Final = TypeAdapter(dict[str, _Kept])


def identity_hash(spec: ModelSpec) -> str:
    """SHA-256 of everything that a draft says of its model, and of how it is asked; its self-test is not part of it."""
    asked = {name: getattr(spec, name) for name in ASKED}
    whole = {"identity": dataclasses.asdict(dataclasses.replace(identity(spec), self_test=None)), "asked": asked}
    return hashlib.sha256(canonical_json(whole).encode("utf-8")).hexdigest()


def kept_self_test(file: Path, spec: ModelSpec) -> SelfTest | None:
    """The last self-test of exactly this model; None when there is none.

    Raises:
        ModelLoadError: the file cannot be used.
    """
    kept = _read(file).get(identity_hash(spec))
    return None if kept is None else kept.self_test()


def keep_self_test(file: Path, spec: ModelSpec, *, result: SelfTest) -> None:
    """Keep a self-test, in place of an earlier one of the same model; the file is whole at any moment.

    Raises:
        ModelLoadError: the file cannot be used.
    """
    every = _read(file) | {identity_hash(spec): _Kept(model_id=spec.model_id, **dataclasses.asdict(result))}
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_bytes(_FILE.dump_json(every, indent=2))
    draft.replace(file)


def offered(spec: ModelSpec, file: Path) -> ModelSpec:
    """The spec with what its drafts are to say of its self-test.

    Raises:
        NotOfferedError: it failed, or it is a site's model that was never tested as it stands.
        ModelLoadError: the file of self-tests cannot be used.
    """
    test = kept_self_test(file, spec)
    again = f"overread doctor --model {spec.model_id}"
    if test is None and spec.folder == EMBEDDED_FOLDER:
        return spec
    if test is None:
        msg = f"{spec.model_id} is not offered for drafting before its coordinate self-test: {again}"
        raise NotOfferedError(msg)
    if not test.passed:
        msg = f"{spec.model_id} is not offered for drafting, its self-test says: {test.in_words}. Mend it, then {again}"
        raise NotOfferedError(msg)
    return dataclasses.replace(spec, self_test=test.in_words)


def offered_model(name: str, store: Path, *, quantization: Quantization | None = None) -> ModelSpec:
    """The model of that name that may draft for a store, with what its drafts are to say of its self-test.

    Raises:
        SiteModelsError: no model has that name.
        NotOfferedError: see `offered`.
        ModelLoadError: the list of models or the file of self-tests cannot be used.
    """
    spec = spec_named(name, site_file(store), quantization=quantization)
    return offered(spec, StorePaths(store).self_tests)


def _read(file: Path) -> dict[str, _Kept]:
    if not file.exists():
        return {}
    try:
        return _FILE.validate_json(file.read_bytes())
    except (OSError, ValidationError) as fault:
        msg = f"{file.name} is not a file of self-tests ({type(fault).__name__}): remove it, and take the tests again"
        raise ModelLoadError(msg) from None
