"""`overread eval injection`: instructions hidden in a case's words or picture, whether they are obeyed, and seen."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.commands.common import shown
from dashboard.commands.measuring import add_measuring, add_out, evaluating, say_figures

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from evals.trial import Trial

ALL = 1000  # attacks: more than the corpus has


def add_parsers(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `injection`."""
    injection = measures.add_parser("injection", help="are instructions hidden in notes, values or the image seen?")
    source = injection.add_mutually_exclusive_group()
    source.add_argument("--cases", type=Path, metavar="DIR", help="folder with manifest.csv; nodules are inserted")
    source.add_argument("--simulated", action="store_true", help="the project's own simulated pictures (default)")
    add_measuring(injection, n=ALL)
    add_out(injection)
    injection.set_defaults(run=run_injection)


def run_injection(arguments: argparse.Namespace) -> int:
    """Draft N attacked cases beside their clean twins and print flips, flags and what was missed."""
    from evals.injection import cases_needed, chosen, run

    attacked = chosen(n=arguments.n, seed=arguments.seed)
    total = cases_needed(attacked)
    with evaluating(arguments) as draft:
        trials = shown(_trials(arguments, total), title="Drafting", total=total)
        return say_figures(run(trials, attacked=attacked, draft=draft, seed=arguments.seed).as_dict(), arguments)


def _trials(arguments: argparse.Namespace, total: int) -> Iterator[Trial]:
    from evals.simulated import simulated_trials
    from evals.sources import inserted_trials

    if arguments.cases is not None:
        return inserted_trials(arguments.cases, n=total, seed=arguments.seed, subtle=0)
    return simulated_trials(n=total, seed=arguments.seed)
