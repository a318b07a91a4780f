"""`overread eval conflict`: are planted conflicts between picture and note seen, and are clean twins left alone?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dashboard.commands.common import shown
from dashboard.commands.measuring import add_measuring, add_out, add_source, evaluating, say_figures

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from collections.abc import Iterator

    from cases.study import PriorNote
    from evals.conflict_cases import ConflictCase
    from evals.trial import Trial


def add_parsers(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `conflict`."""
    conflict = measures.add_parser(
        "conflict", help="are notes that the picture contradicts seen, and others left alone?"
    )
    add_source(conflict)
    add_measuring(conflict, n=300)
    add_out(conflict)
    conflict.set_defaults(run=run_conflict)


def run_conflict(arguments: argparse.Namespace) -> int:
    """Draft N pictures alone, with a note that is false or stale about them, and with one that is not."""
    from evals.conflict import run
    from vlm.families import family_named
    from vlm.score import EMBEDDED_FAMILY

    with evaluating(arguments) as draft:
        result = run(
            shown(_cases(arguments), title="Drafting", total=arguments.n),
            draft=draft,
            states=family_named(EMBEDDED_FAMILY).sees,
            ground="simulated" if arguments.simulated else "real, inserted nodules",
            seed=arguments.seed,
            effusions=_effusions(arguments),
        )
    return say_figures(result.as_dict(), arguments)


def _cases(arguments: argparse.Namespace) -> Iterator[ConflictCase]:
    from evals.conflict_cases import phantom_cases, real_cases

    if arguments.simulated:
        return phantom_cases(n=arguments.n, seed=arguments.seed)
    return real_cases(arguments.cases, n=arguments.n, seed=arguments.seed)


def _effusions(arguments: argparse.Namespace) -> Iterator[tuple[Trial, PriorNote]]:
    """Radiographs with an effusion, where there is a folder that may have some."""
    from evals.conflict_cases import true_effusions

    if arguments.simulated:
        return iter(())
    return true_effusions(arguments.cases, n=arguments.n, seed=arguments.seed)
