"""`overread eval quantization`: what int8 and NF4 change in the drafts, and whether the gate lets them through."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.commands.common import CommandError, Exit, default_store, now, say, say_json, shown
from dashboard.commands.measuring import count

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from evals.trial import Trial
    from vlm.model_spec import ModelSpec

USUAL = ("int8", "nf4")


def add_parsers(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `quantization`."""
    parser = measures.add_parser("quantization", help="what int8 and nf4 change in the drafts, and the release gate")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--cases", type=Path, metavar="DIR", help="folder with manifest.csv; nodules are inserted")
    source.add_argument("--simulated", action="store_true", help="the project's own simulated cases, notes and all")
    parser.add_argument("--n", type=count, default=100, metavar="N", help="how many cases (default: %(default)s)")
    parser.add_argument("--seed", type=count, default=0, metavar="S", help="of cases and intervals")
    parser.add_argument("--model", default="embedded", metavar="M", help="name of a model (default: %(default)s)")
    parser.add_argument(
        "--quantization",
        nargs="+",
        choices=("int8", "nf4", "nf4-double"),
        default=USUAL,
        help="compared with the whole model (default: %(default)s)",
    )
    parser.add_argument("--gate", type=Path, metavar="FILE", help="other limits than the project's own")
    parser.add_argument("--out", type=Path, metavar="PREFIX", help="keep the verdict as PREFIX.json and PREFIX.md")
    parser.add_argument(
        "--store", type=Path, default=default_store(), metavar="FILE", help="whose site's list of models is meant"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of words")
    parser.set_defaults(run=run_quantization)


def run_quantization(arguments: argparse.Namespace) -> int:
    """Draft the same cases whole and quantized; exit 1 when a quantization does not pass the gate."""
    from evals.insertion import NoPlaceError
    from evals.manifest import ManifestError
    from evals.quantization_gate import GateError
    from vlm.errors import ModelLoadError, SiteModelsError

    try:
        result = _measured(arguments)
    except (ManifestError, NoPlaceError, SiteModelsError) as error:
        raise CommandError(str(error), code=Exit.NOT_FOUND) from error
    except GateError as error:
        raise CommandError(str(error)) from error
    except ModelLoadError as error:
        raise CommandError(str(error), code=Exit.MISSING_PART) from error
    _say(result, arguments)
    return Exit.OK if result["passed"] else Exit.ANSWER_IS_NO


def _measured(arguments: argparse.Namespace) -> dict[str, object]:
    from evals.quantization_gate import GATE_FILE, read_gate
    from evals.quantization_run import compare, draft_all, load_local

    gate = read_gate(arguments.gate or GATE_FILE)
    drafted = []
    for spec in specs(arguments):
        loaded = load_local(spec)
        trials = shown(_trials(arguments), title=f"Drafting, {loaded.name}", total=arguments.n)
        drafted.append(draft_all(loaded, trials, now=now))
    source = "simulated" if arguments.simulated else "inserted nodules"
    result = compare(drafted[0], drafted[1:], gate=gate, seed=arguments.seed, source=source)
    command = shlex.join(["overread", *sys.argv[1:]])
    return {"date": now().date().isoformat(), "command": command, "model_id": arguments.model, **result}


def specs(arguments: argparse.Namespace) -> tuple[ModelSpec, ...]:
    """The whole model first (bfloat16 on a GPU, else in its own dtype), then each quantization of it.

    Raises:
        CommandError: the model is served elsewhere, where it is quantized too.
    """
    from vlm.devices import gpus
    from vlm.model_spec import Quantization
    from vlm.registry import site_file, spec_named

    spec = spec_named(arguments.model, site_file(arguments.store))
    if spec.folder is None:
        msg = f"{arguments.model} is served and is quantized where it is served: compare models that lie in a folder"
        raise CommandError(msg)
    dtype = "bfloat16" if gpus(os.environ) else spec.dtype
    kinds = (Quantization.NONE, *(Quantization(name) for name in arguments.quantization))
    return tuple(dataclasses.replace(spec, quantization=kind, dtype=dtype) for kind in kinds)


def _trials(arguments: argparse.Namespace) -> Iterator[Trial]:
    from evals.simulated import simulated_trials
    from evals.sources import inserted_trials

    if arguments.simulated:
        return simulated_trials(n=arguments.n, seed=arguments.seed)
    return inserted_trials(arguments.cases, n=arguments.n, seed=arguments.seed, subtle=0)


def _say(result: dict[str, object], arguments: argparse.Namespace) -> None:
    from evals.bench_file import write
    from evals.quantization_table import markdown

    if arguments.out is not None:
        write(arguments.out.with_suffix(".json"), json.dumps(result, indent=1, allow_nan=False) + "\n")
        write(arguments.out.with_suffix(".md"), markdown(result))
    if arguments.json:
        say_json(result)
    else:
        say(markdown(result))
