"""`overread eval fidelity`: can the heatmaps be believed? Each method beside a random map and one of the centre."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dashboard.commands.common import new_id, now, shown
from dashboard.commands.measuring import add_measuring, add_out, add_source, in_this_process, say_figures

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from collections.abc import Iterator

    from evals.trial import Trial


def add_parsers(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `fidelity`."""
    fidelity = measures.add_parser(
        "fidelity", help="can the heatmaps be believed? deletion, insertion, pointing, sanity"
    )
    add_source(fidelity)
    fidelity.add_argument(
        "--insert", choices=("nodule",), default="nodule", help="into the folder's lesion-free images (the only choice)"
    )
    add_measuring(fidelity, n=60)
    add_out(fidelity)
    fidelity.set_defaults(run=run_fidelity)


def run_fidelity(arguments: argparse.Namespace) -> int:
    """Draft N cases and judge the maps of every sentence that shows a box."""
    with in_this_process():
        return say_figures(_figures(arguments), arguments)


def _figures(arguments: argparse.Namespace) -> dict[str, object]:
    """The model runs in this process: it is looked into, and no case of a pilot is at stake."""
    from evals.drafter import product_drafter
    from evals.fidelity import run
    from vlm.backends.transformers_local import TransformersLocal
    from vlm.model_spec import Quantization
    from vlm.registry import embedded_spec

    backend = TransformersLocal(embedded_spec(Quantization(arguments.quantization)))
    result = run(
        shown(_trials(arguments), title="Judging", total=arguments.n),
        ground="simulated" if arguments.simulated else "real, inserted nodules",
        draft=product_drafter(backend, now=now, new_id=new_id),
        backend=backend,
        seed=arguments.seed,
    )
    return result.as_dict()


def _trials(arguments: argparse.Namespace) -> Iterator[Trial]:
    from evals.simulated import simulated_trials
    from evals.sources import inserted_trials

    if arguments.simulated:
        return simulated_trials(n=arguments.n, seed=arguments.seed)
    return inserted_trials(arguments.cases, n=arguments.n, seed=arguments.seed, subtle=0)
