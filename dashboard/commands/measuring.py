"""What every `overread eval` measure needs: its options, the model's drafting, and figures in words or JSON."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.commands.common import CommandError, Exit, say, say_json
from dashboard.commands.draft import add_quantization, model
from dashboard.commands.kpi import in_words

if TYPE_CHECKING:
    from evals.trial import Drafter


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Give a measure `--cases DIR`."""
    parser.add_argument("--cases", type=Path, required=True, metavar="DIR", help="folder with manifest.csv and images")


def add_measuring(parser: argparse.ArgumentParser, *, n: int = 100) -> None:
    """Give a measure `--n`, `--seed`, `--json` and `--quantization`."""
    parser.add_argument(
        "--n", type=count, default=n, metavar="N", help="how many images or pairs (default: %(default)s)"
    )
    parser.add_argument("--seed", type=count, default=0, metavar="S", help="of places, sizes and intervals")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of words")
    add_quantization(parser)


def count(text: str) -> int:
    """A whole number that is not negative, from the command line."""
    number = int(text)
    if number < 0:
        msg = f"a count is zero or more: {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return number


@contextmanager
def evaluating(arguments: argparse.Namespace) -> Iterator[Drafter]:
    """The model's drafting, and its faults of supply (a folder that is none, no place for a lesion) in words."""
    from evals.insertion import NoPlaceError
    from evals.manifest import ManifestError

    try:
        with model(arguments.quantization) as drafter:
            yield drafter.draft
    except (ManifestError, NoPlaceError) as error:
        raise CommandError(str(error), code=Exit.NOT_FOUND) from error


def say_figures(figures: dict[str, object], arguments: argparse.Namespace) -> int:
    """Print figures in words or as one JSON document."""
    if arguments.json:
        say_json(figures)
    else:
        _say_figures(figures)
    return Exit.OK


def _say_figures(figures: object, indent: str = "") -> None:
    """Print nested figures, one a line."""
    if not isinstance(figures, dict):
        return
    for name, value in figures.items():
        if isinstance(value, dict) and "ci95" not in value:
            say(f"{indent}{name}:")
            _say_figures(value, indent + "    ")
        else:
            say(f"{indent}{name}: {in_words(value)}")
