"""`overread doctor --model M`: where a model's boxes land. The result is kept beside the store, and decides.

A model that fails is not offered for drafting; one that passes says so in every draft. No case and no store is opened,
so it runs while the dashboard does.
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from dashboard.commands.common import CommandError, Exit, new_id, now, say, say_json, shown

if TYPE_CHECKING:
    from vlm.model_spec import ModelSpec
    from vlm.self_test import SelfTest


def run_self_test(arguments: argparse.Namespace) -> int:
    """Take and keep the self-test of one model; exit 1 when it failed."""
    from cases.paths import StorePaths
    from vlm.self_test_record import keep_self_test

    spec = _spec(arguments)
    found = _taken(spec)
    keep_self_test(StorePaths(arguments.store).self_tests, spec, result=found)
    if arguments.json:
        say_json(_shape(spec, found))
    else:
        _say(spec, found)
    return Exit.OK if found.passed else Exit.ANSWER_IS_NO


def _spec(arguments: argparse.Namespace) -> ModelSpec:
    from vlm.errors import ModelLoadError
    from vlm.model_spec import Quantization
    from vlm.registry import site_file, spec_named

    asked = None if arguments.quantization is None else Quantization(arguments.quantization)
    try:
        return spec_named(arguments.model, site_file(arguments.store), quantization=asked)
    except ModelLoadError as error:
        raise CommandError(str(error), code=Exit.NOT_FOUND) from error


def _taken(spec: ModelSpec) -> SelfTest:
    """The self-test, drafted in a process of its own as every case is."""
    from vlm.errors import ModelLoadError
    from vlm.self_test import take_self_test
    from vlm.self_test_scene import all_targets
    from vlm.supervised import SupervisedDrafter

    targets = all_targets()
    try:
        with SupervisedDrafter(spec, now=now, new_id=new_id) as drafter:
            drafter.load()
            seen = shown(targets, title="self-test", total=len(targets))
            return take_self_test(lambda case, pixels: drafter.draft(case, pixels=pixels), taken=now(), targets=seen)
    except ModelLoadError as error:
        msg = f"the model {spec.model_id} cannot be loaded: {error}"
        raise CommandError(msg, code=Exit.MISSING_PART) from error


def _shape(spec: ModelSpec, found: SelfTest) -> dict[str, object]:
    from vlm.self_test_record import identity_hash

    return {
        "model_id": spec.model_id,
        "identity_sha256": identity_hash(spec),
        "passed": found.passed,
        **dataclasses.asdict(found),
        "taken": found.taken.isoformat(),
        "failures": dict(found.failures),
    }


def _say(spec: ModelSpec, found: SelfTest) -> None:
    say(f"{spec.model_id} ({spec.quantization.value}, {spec.dtype}): {found.in_words}")
    for kind, count in found.failures:
        say(f"    {count} of {found.targets} drafts failed: {kind}")
    if not found.passed:
        say("    it is not offered for drafting; see docs/models.md for what the faults mean")
