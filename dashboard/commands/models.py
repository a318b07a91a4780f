"""`overread models`: which models may be named, where each is, and what its coordinate self-test said. Loads none."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.commands.common import CommandError, Exit, add_common, say, say_json

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from vlm.model_spec import ModelSpec


def add_parsers(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `models`."""
    listing = commands.add_parser("models", help="the models that can draft: the embedded one and the site's own")
    add_common(listing)
    listing.set_defaults(run=run_models)


def run_models(arguments: argparse.Namespace) -> int:
    """Print every model with where it is and whether it is offered."""
    from vlm.errors import ModelLoadError
    from vlm.registry import models, site_file

    listed = site_file(arguments.store)
    try:
        rows = [_row(spec, arguments.store) for spec in models(listed)]
    except ModelLoadError as error:
        raise CommandError(str(error), code=Exit.NOT_FOUND) from error
    if arguments.json:
        say_json({"site_file": str(listed), "site_file_exists": listed.exists(), "models": rows})
        return Exit.OK
    for row in rows:
        say(f"{row['model_id']}  {row['family']}  {row['quantization']}, {row['dtype']}  {row['where']}")
        say(f"    {'offered' if row['offered'] else 'not offered'}: {row['self_test'] or row['why_not'] or 'untested'}")
    if not listed.exists():
        say(f"the site's own models are listed in {listed}, which is not there: see docs/models.md")
    return Exit.OK


def _row(spec: ModelSpec, store: Path) -> dict[str, object]:
    """One model as it is printed."""
    from cases.paths import StorePaths
    from vlm.errors import NotOfferedError
    from vlm.self_test_record import offered

    why_not, said = "", None
    try:
        said = offered(spec, StorePaths(store).self_tests).self_test
    except NotOfferedError as error:
        why_not = str(error)
    return {
        "model_id": spec.model_id,
        "family": spec.family,
        "where": spec.endpoint or str(spec.folder),
        "revision": spec.content,
        "quantization": spec.quantization.value,
        "dtype": spec.dtype,
        "codec": spec.codec,
        "prompt": spec.prompt,
        "offered": not why_not,
        "why_not": why_not,
        "self_test": said,
    }
