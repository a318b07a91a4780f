"""`overread eval fusion`: does the context help? Image only, notes only, late fusion and the joint model, paired."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.commands.common import new_id, now, shown
from dashboard.commands.measuring import add_measuring, in_this_process, say_figures

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from collections.abc import Iterator

    from evals.fusion_cases import FusionCase


def add_parsers(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `fusion`."""
    fusion = measures.add_parser("fusion", help="does the context help? image, notes, late fusion, joint model")
    source = fusion.add_mutually_exclusive_group(required=True)
    source.add_argument("--cases", type=Path, metavar="DIR", help="folder with manifest.csv and images")
    source.add_argument("--simulated", action="store_true", help="the project's own phantoms")
    add_measuring(fusion, n=60)
    fusion.set_defaults(run=run_fusion)


def run_fusion(arguments: argparse.Namespace) -> int:
    """Ask the model about every case with every set of inputs, and print paired differences."""
    with in_this_process():
        return say_figures(_figures(arguments), arguments)


def _figures(arguments: argparse.Namespace) -> dict[str, object]:
    """The model runs in this process: it is asked for scores as well, and no case of a pilot is at stake."""
    from evals.drafter import product_drafter
    from evals.finding_score import book_of, finding_scores
    from evals.fusion import run
    from evals.labels import Target
    from vlm.backends.transformers_local import TransformersLocal
    from vlm.model_spec import Quantization
    from vlm.registry import embedded_spec
    from vlm.score import openings

    spec = embedded_spec(Quantization(arguments.quantization))
    backend, book = TransformersLocal(spec), book_of(openings(spec))
    result = run(
        shown(_cases(arguments), title="Asking", total=arguments.n),
        ground="simulated" if arguments.simulated else "real, inserted nodules",
        draft=product_drafter(backend, now=now, new_id=new_id),
        score=lambda case, pixels: finding_scores(case, pixels=pixels, backend=backend, book=book)[
            Target.NODULE_OR_MASS
        ],
        seed=arguments.seed,
    )
    return result.as_dict()


def _cases(arguments: argparse.Namespace) -> Iterator[FusionCase]:
    from evals.fusion_cases import phantom_cases, real_cases

    if arguments.simulated:
        return phantom_cases(n=arguments.n, seed=arguments.seed)
    return real_cases(arguments.cases, n=arguments.n, seed=arguments.seed)
