"""`overread eval attribution`: does attribution name the one input that can know a sentence's fact?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.commands.common import new_id, now, shown
from dashboard.commands.measuring import add_measuring, in_this_process, say_figures

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from collections.abc import Iterator

    from evals.longitudinal_scenes import LongitudinalScene


def add_parsers(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `attribution`."""
    attribution = measures.add_parser("attribution", help="does attribution name the input that a sentence came from?")
    source = attribution.add_mutually_exclusive_group(required=True)
    source.add_argument("--cases", type=Path, metavar="DIR", help="folder with manifest.csv and images")
    source.add_argument("--simulated", action="store_true", help="the project's own phantoms")
    add_measuring(attribution, n=20)
    attribution.set_defaults(run=run_attribution)


def run_attribution(arguments: argparse.Namespace) -> int:
    """Make one case for each fact on each of N images, draft it and attribute what states the fact."""
    with in_this_process():
        return say_figures(_figures(arguments), arguments)


def _figures(arguments: argparse.Namespace) -> dict[str, object]:
    """The model runs in this process: it is asked for scores as well, and no case of a pilot is at stake."""
    from evals.attribution import run
    from evals.drafter import product_drafter
    from vlm.backends.transformers_local import TransformersLocal
    from vlm.model_spec import Quantization
    from vlm.registry import embedded_spec

    backend = TransformersLocal(embedded_spec(Quantization(arguments.quantization)))
    result = run(
        shown(_scenes(arguments), title="Attributing", total=arguments.n),
        ground="simulated" if arguments.simulated else "real, inserted nodules",
        draft=product_drafter(backend, now=now, new_id=new_id),
        backend=backend,
        seed=arguments.seed,
    )
    return result.as_dict()


def _scenes(arguments: argparse.Namespace) -> Iterator[LongitudinalScene]:
    from evals.longitudinal_scenes import real_scenes, simulated_scenes

    if arguments.simulated:
        return simulated_scenes(n=arguments.n, seed=arguments.seed)
    return real_scenes(arguments.cases, n=arguments.n, seed=arguments.seed)
