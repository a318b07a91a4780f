"""`overread eval unlikeness`: does the model know radiographs from pictures that it was not taught on?"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dashboard.commands.common import CommandError, Exit, now, shown
from dashboard.commands.measuring import add_folder, add_measuring, add_out, say_figures

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    import numpy as np
    from numpy.typing import NDArray

    from evals.manifest import ManifestRow

ALL = 100_000  # images: more than any folder holds
ALIKE_SHARE = 4  # so many radiographs to one with a lesion inserted, and to one simulated


def add_parsers(measures: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `unlikeness`."""
    unlikeness = measures.add_parser("unlikeness", help="does the model know what it was not taught on? areas, flags")
    add_folder(unlikeness)
    add_measuring(unlikeness, n=ALL)
    add_out(unlikeness)
    unlikeness.set_defaults(run=run_unlikeness)


def run_unlikeness(arguments: argparse.Namespace) -> int:
    """Score unseen radiographs, spoilt ones and pictures of no chest, and print areas and flags."""
    from evals.insertion import NoPlaceError
    from evals.manifest import ManifestError
    from vlm.errors import ModelLoadError

    try:
        return say_figures(_figures(arguments), arguments)
    except (ManifestError, NoPlaceError) as error:
        raise CommandError(str(error), code=Exit.NOT_FOUND) from error
    except ModelLoadError as error:
        msg = f"the score cannot be taken: {error}; `overread doctor` says what is missing and how to mend it"
        raise CommandError(msg, code=Exit.MISSING_PART) from error


def _figures(arguments: argparse.Namespace) -> dict[str, object]:
    """The model runs in this process: it is asked for numbers only, and no case of a pilot is at stake."""
    from evals.findings import chosen_rows
    from evals.unlikeness import run
    from vlm.backends.transformers_local import TransformersLocal
    from vlm.model_spec import Quantization
    from vlm.outcome import identity
    from vlm.registry import embedded_spec
    from vlm.unlike_training import unlike

    rows = chosen_rows(arguments.cases, n=arguments.n, seed=arguments.seed)
    spec = embedded_spec(Quantization(arguments.quantization))
    backend = TransformersLocal(spec)
    result = run(
        shown(rows, title="Scoring", total=len(rows)),
        score=lambda pixels: unlike(pixels, backend=backend),
        seed=arguments.seed,
        alike=_alike(arguments, rows),
        model=identity(spec),
    )
    return result.as_dict()


def _alike(arguments: argparse.Namespace, rows: Sequence[ManifestRow]) -> Iterator[tuple[str, str, NDArray[np.uint16]]]:
    """(kind, patient, pixels) of what must not be flagged either."""
    from numpy.random import default_rng

    from evals.simulated import simulated_trials
    from evals.sources import inserted_trials
    from evals.unlike_pictures import not_square

    n = len(rows) // ALIKE_SHARE
    random = default_rng([arguments.seed, 13])
    for row in rows[::ALIKE_SHARE]:
        yield "not_square", row.patient, not_square(row.pixels(), random)
    for trial in inserted_trials(arguments.cases, n=n, seed=arguments.seed, subtle=0) if n else ():
        yield "with_inserted_lesion", trial.patient, trial.pixels
    for trial in simulated_trials(n=n, seed=arguments.seed):
        yield "simulated", trial.patient, trial.pixels
    yield from _elsewhere()


def _elsewhere() -> Iterator[tuple[str, str, NDArray[np.uint16]]]:
    """RG1, a chest film of another source; nothing where the package that brings it is not there."""
    from evals.rg1 import UNCOMPRESSED, rg1

    with contextlib.suppress(LookupError):
        yield "film_of_another_source", "rg1", rg1(UNCOMPRESSED, now=now)[1]
