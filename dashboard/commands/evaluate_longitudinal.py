"""`overread eval longitudinal`: does a prior image tell the model what changed, alone and beside a note?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dashboard.commands.common import shown
from dashboard.commands.measuring import add_measuring, add_out, add_source, evaluating, say_figures

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from collections.abc import Iterator

    from evals.longitudinal_scenes import LongitudinalScene


def add_parsers(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `longitudinal`."""
    longitudinal = measures.add_parser(
        "longitudinal", help="is change right by a prior image, by a prior note, and by both?"
    )
    add_source(longitudinal)
    add_measuring(longitudinal)
    add_out(longitudinal)
    longitudinal.set_defaults(run=run_longitudinal)


def run_longitudinal(arguments: argparse.Namespace) -> int:
    """Insert a lesion into each of N images and draft it under five changes, told in three ways."""
    from evals.longitudinal import run, ways_of
    from vlm.families import family_named
    from vlm.model_spec import Quantization
    from vlm.registry import embedded_spec

    family = family_named(embedded_spec(Quantization(arguments.quantization)).family)
    with evaluating(arguments) as draft:
        result = run(
            shown(_scenes(arguments), title="Drafting", total=arguments.n),
            draft=draft,
            ways=ways_of(family),
            seed=arguments.seed,
            ground="simulated" if arguments.simulated else "real, inserted nodules",
        )
    return say_figures(result.as_dict(), arguments)


def _scenes(arguments: argparse.Namespace) -> Iterator[LongitudinalScene]:
    from evals.longitudinal_scenes import real_scenes, simulated_scenes

    if arguments.simulated:
        return simulated_scenes(n=arguments.n, seed=arguments.seed)
    return real_scenes(arguments.cases, n=arguments.n, seed=arguments.seed)
