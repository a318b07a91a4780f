"""`overread eval findings`: image-level areas under the curve on a folder's labels, beside a nuisance baseline."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dashboard.commands.common import shown
from dashboard.commands.measuring import add_folder, add_measuring, in_this_process, say_figures

if TYPE_CHECKING:
    from argparse import _SubParsersAction

ALL = 100_000  # images: more than any folder holds


def add_parsers(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `findings`."""
    findings = measures.add_parser("findings", help="does the model tell images with a finding from those without?")
    add_folder(findings)
    add_measuring(findings, n=ALL)
    findings.set_defaults(run=run_findings)


def run_findings(arguments: argparse.Namespace) -> int:
    """Score every unseen image of the folder and print each finding's areas."""
    with in_this_process():
        return say_figures(_figures(arguments), arguments)


def _figures(arguments: argparse.Namespace) -> dict[str, object]:
    """The model runs in this process: it is asked for numbers only, and no case of a pilot is at stake."""
    from evals.finding_score import book_of, finding_scores
    from evals.findings import chosen_rows, run, training_rows
    from vlm.backends.transformers_local import TransformersLocal
    from vlm.model_spec import Quantization
    from vlm.outcome import identity
    from vlm.registry import embedded_spec
    from vlm.score import openings

    rows = chosen_rows(arguments.cases, n=arguments.n, seed=arguments.seed)
    spec = embedded_spec(Quantization(arguments.quantization))
    backend, book = TransformersLocal(spec), book_of(openings(spec))
    result = run(
        shown(rows, title="Scoring", total=len(rows)),
        score=lambda case, pixels: finding_scores(case, pixels=pixels, backend=backend, book=book),
        seed=arguments.seed,
        model=identity(spec),
        training=training_rows(arguments.cases),
    )
    return result.as_dict()
