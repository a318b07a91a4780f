"""`overread bench`: how fast a model runs here, whole and quantized, eager and compiled, beside the bandwidth floor."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.commands.common import CommandError, Exit, complain, default_store, now, say, say_json

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from evals.bench_file import Made, Run
    from evals.bench_run import Machine, Planned
    from vlm.backends.shapes import Shape
    from vlm.model_spec import ModelSpec

WEIGHTS = ("bf16", "fp32", "int8", "nf4", "nf4-double")
USUAL_WEIGHTS = ("bf16", "fp32", "int8", "nf4")
MODES = ("eager", "compiled")
SIMD = ("avx512_bf16", "avx512f", "avx2", "asimd")  # as Linux names them, the widest first
BUSY_SHARE = 0.5  # of the cores, before anything of ours runs


def add_parsers(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `bench`."""
    bench = commands.add_parser("bench", help="how fast a model runs here, beside the memory-bandwidth floor")
    bench.add_argument("--model", default="embedded", metavar="M", help="name of a model (default: %(default)s)")
    bench.add_argument(
        "--quantization", nargs="+", choices=WEIGHTS, default=USUAL_WEIGHTS, help="which weights (default: %(default)s)"
    )
    bench.add_argument("--mode", nargs="+", choices=MODES, default=MODES, help="eager, compiled, or both (default)")
    bench.add_argument(
        "--shapes", nargs="*", metavar="SHAPE", help="also random weights in these shapes, or in all; GPU only"
    )
    bench.add_argument("--tokens", type=int, default=200, metavar="N", help="of the answer (default: %(default)s)")
    bench.add_argument("--prompt", type=int, default=256, metavar="N", help="tokens before it (default: %(default)s)")
    bench.add_argument("--repeats", type=int, default=9, metavar="N", help="of each row (default: %(default)s)")
    _add_output(bench)
    bench.set_defaults(run=run_bench)


def _add_output(bench: argparse.ArgumentParser) -> None:
    bench.add_argument(
        "--out", type=Path, metavar="PREFIX", help="write PREFIX.json and PREFIX.md after each row; resumes from them"
    )
    bench.add_argument("--machine", metavar="WORDS", help="the machine in plain words (default: as found)")
    bench.add_argument("--note", default="", metavar="WORDS", help="what a reader of the table must know")
    bench.add_argument(
        "--store", type=Path, default=default_store(), metavar="FILE", help="whose site's list of models is meant"
    )
    bench.add_argument("--json", action="store_true", help="print one JSON document instead of words")


def run_bench(arguments: argparse.Namespace) -> int:
    """Time every row, one process each; exit 1 when no row could be measured."""
    from evals.bench_file import BenchFileError, document, read
    from evals.bench_run import Occasion, fill
    from evals.bench_table import markdown
    from vlm.timing import Timed, timed

    machine, run = _machine(arguments), _run(arguments)
    try:
        earlier = read(arguments.out.with_suffix(".json")) if arguments.out else ()
    except BenchFileError as error:
        raise CommandError(str(error)) from error
    made: list[Made] = []
    occasion = Occasion(now().date().isoformat(), busy_words())
    for row in fill(_planned(arguments, machine), earlier=earlier, run=timed, machine=machine, occasion=occasion):
        made.append(row)
        _keep(arguments.out, run, made)
        complain(f"{row.row.key.subject}, {row.row.key.weights}, {row.row.key.mode}: {len(made)} rows done")
    if arguments.json:
        say_json(document(run, made))
    else:
        say(markdown(run, made))
    return Exit.OK if any(isinstance(row.row.result, Timed) for row in made) else Exit.ANSWER_IS_NO


def _keep(prefix: Path | None, run: Run, made: Sequence[Made]) -> None:
    """Write what there is so far, so that a run that is stopped goes on from there."""
    import json

    from evals.bench_file import document, write
    from evals.bench_table import markdown

    if prefix is not None:
        write(prefix.with_suffix(".json"), json.dumps(document(run, made), indent=1, allow_nan=False) + "\n")
        write(prefix.with_suffix(".md"), markdown(run, made))


def _planned(arguments: argparse.Namespace, machine: Machine) -> list[Planned]:
    from evals.bench_run import Weights, model_rows, shape_rows
    from vlm.timing import Effort

    try:
        effort = Effort(arguments.prompt, arguments.tokens, arguments.repeats)
    except ValueError as error:
        raise CommandError(str(error)) from error
    weights = [Weights(name) for name in arguments.quantization]
    rows = list(model_rows(_spec(arguments), weights=weights, modes=arguments.mode, effort=effort, machine=machine))
    for shape in _shapes(arguments.shapes):
        rows += shape_rows(shape, weights=weights, modes=arguments.mode, effort=effort, machine=machine)
    return rows


def _spec(arguments: argparse.Namespace) -> ModelSpec:
    from vlm.errors import ModelLoadError, SiteModelsError
    from vlm.registry import site_file, spec_named

    try:
        return spec_named(arguments.model, site_file(arguments.store))
    except (ModelLoadError, SiteModelsError) as error:
        raise CommandError(str(error), code=Exit.NOT_FOUND) from error


def _shapes(names: Sequence[str] | None) -> tuple[Shape, ...]:
    """None without `--shapes`, all with it alone, else those that are named."""
    from vlm.backends.shapes import shapes

    if names is None:
        return ()
    known = {shape.name: shape for shape in shapes()}
    unknown = [name for name in names if name not in known]
    if unknown:
        msg = f"no shape is named {unknown[0]!r}: take one of {', '.join(known)}"
        raise CommandError(msg)
    return tuple(known[name] for name in names or known)


def _machine(arguments: argparse.Namespace) -> Machine:
    from evals.bench_run import Machine
    from vlm.devices import gpus

    return Machine(arguments.machine or machine_words(), bool(gpus(os.environ)))


def _run(arguments: argparse.Namespace) -> Run:
    from evals.bench_file import Run

    words = arguments.machine or machine_words()
    return Run(words, shlex.join(["overread", *sys.argv[1:]]), arguments.note)


def machine_words() -> str:
    """The processor in plain words: how many cores of which kind, and the widest vector arithmetic."""
    flags = _cpu_flags()
    widest = next((name for name in SIMD if name in flags), None)
    cores = f"{os.cpu_count()} {platform.machine()} cores"
    return f"{cores}, {widest.upper().replace('_', '-')}" if widest else cores


def _cpu_flags() -> frozenset[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    named = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    return frozenset(named.partition(":")[2].split())


def busy_words() -> str:
    """Says when the machine is at work already; "" on a quiet one."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load <= BUSY_SHARE * cores:
        return ""
    return f"taken beside another load (load average {load:.1f} on {cores} cores when it began)"
