"""What every `overread eval` measure needs: its options, the model's drafting, and figures in words or JSON."""

from __future__ import annotations

import argparse
import json
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


def add_source(parser: argparse.ArgumentParser) -> None:
    """Give a measure `--cases DIR` or `--simulated`."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--cases", type=Path, metavar="DIR", help="folder with manifest.csv and images")
    source.add_argument("--simulated", action="store_true", help="the project's own phantoms")


def add_out(parser: argparse.ArgumentParser) -> None:
    """Give a measure `--out FILE`, which `say_figures` honours."""
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the JSON document there too")


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


@contextmanager
def in_this_process() -> Iterator[None]:
    """What a measure that loads the model itself may fail by, in words: folder, place for a lesion, model."""
    from evals.insertion import NoPlaceError
    from evals.manifest import ManifestError
    from vlm.errors import ModelLoadError

    try:
        yield
    except (ManifestError, NoPlaceError) as error:
        raise CommandError(str(error), code=Exit.NOT_FOUND) from error
    except ModelLoadError as error:
        msg = f"the model cannot be loaded: {error}; `overread doctor` says what is missing and how to mend it"
        raise CommandError(msg, code=Exit.MISSING_PART) from error


def say_figures(figures: dict[str, object], arguments: argparse.Namespace) -> int:
    """Print figures in words or as one JSON document, and write the document where `--out` asks for it."""
    out: Path | None = getattr(arguments, "out", None)
    if out is not None:
        _write(figures, out)
    if arguments.json:
        say_json(figures)
    else:
        _say_figures(figures)
    return Exit.OK


def _write(figures: dict[str, object], path: Path) -> None:
    try:
        path.write_text(json.dumps(figures, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        msg = f"{path} cannot be written ({type(error).__name__}): name a file in a folder that exists"
        raise CommandError(msg) from error


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
