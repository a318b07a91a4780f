"""`overread eval priors`: what truthful and lying prior notes do to the drafts of lesions that the image shows."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dashboard.commands.common import shown
from dashboard.commands.measuring import add_folder, add_measuring, evaluating, say_figures

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_parsers(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `priors`."""
    priors = measures.add_parser("priors", help="is change against a truthful note right, and a lying note overruled?")
    add_folder(priors)
    add_measuring(priors, n=100)
    priors.set_defaults(run=run_priors)


def run_priors(arguments: argparse.Namespace) -> int:
    """Insert a lesion into each of N images and draft it without a note and with every note."""
    from evals.priors import run
    from evals.scenes import real_scenes

    with evaluating(arguments) as draft:
        scenes = real_scenes(arguments.cases, seed=arguments.seed, most=arguments.n)
        result = run(shown(scenes, title="Drafting", total=arguments.n), draft=draft, seed=arguments.seed)
    return say_figures(result.as_dict(), arguments)
