"""`overread eval fusion-lab`: early, late and hybrid fusion of tables on a simulated task with a known ceiling."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dashboard.commands.common import CommandError, Exit
from dashboard.commands.measuring import count, say_figures

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PATIENTS, REPEATS = 4000, 200
FEWEST = 200  # patients: enough of both classes in every fold, except in one draw of very many


def add_parsers(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `fusion-lab`."""
    lab = measures.add_parser("fusion-lab", help="early, late and hybrid fusion of tables, with a known ceiling")
    lab.add_argument(
        "--n", type=count, default=PATIENTS, metavar="N", help="simulated patients a cohort (default: %(default)s)"
    )
    lab.add_argument(
        "--repeats", type=count, default=REPEATS, metavar="R", help="fresh cohorts beside it (default: %(default)s)"
    )
    lab.add_argument("--seed", type=count, default=0, metavar="S", help="of the cohorts")
    lab.add_argument("--json", action="store_true", help="print one JSON document instead of words")
    lab.set_defaults(run=run_fusion_lab)


def run_fusion_lab(arguments: argparse.Namespace) -> int:
    """Fit and judge on simulated tables; no model of the project is used."""
    if arguments.n < FEWEST:
        msg = f"the lab needs at least {FEWEST} patients, half of them to judge on; --n is {arguments.n}"
        raise CommandError(msg, code=Exit.WRONG_USE)
    from evals.fusion_lab_result import run

    return say_figures(run(n=arguments.n, repeats=arguments.repeats, seed=arguments.seed).as_dict(), arguments)
