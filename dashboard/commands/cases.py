"""`overread import` and `overread cases`: studies and notes come in, and what the store holds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.commands import shapes
from dashboard.commands.common import (
    AGENT,
    CommandError,
    Exit,
    add_common,
    existing_store,
    made_store,
    now,
    say,
    say_json,
    shown,
)

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from cases.intake import Intake
    from cases.store import Store


def add_parsers(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `import` and `cases`."""
    importing = commands.add_parser("import", help="take in a folder, a file or a zip of DICOM and prior notes")
    importing.add_argument("path", type=Path, metavar="PATH", help="folder, DICOM file, or zip")
    add_common(importing)
    importing.set_defaults(run=run_import)
    listing = commands.add_parser("cases", help="list the cases of the store")
    add_common(listing)
    listing.set_defaults(run=run_cases)


def run_import(arguments: argparse.Namespace) -> int:
    """Import, register what came in, and say what was refused and why."""
    if not arguments.path.exists():
        msg = f"there is nothing at {arguments.path}: name a folder, a DICOM file or a zip"
        raise CommandError(msg, code=Exit.NOT_FOUND)
    with made_store(arguments.store) as store:
        intake = bring_in(store, arguments.path, store_path=arguments.store)
    if arguments.json:
        say_json(shapes.intake_shape(intake))
    else:
        _say_intake(intake)
    return Exit.OK if intake.cases else Exit.ANSWER_IS_NO


def bring_in(store: Store, path: Path, *, store_path: Path) -> Intake:
    """Import a path into an open store.

    Args:
        store: open.
        path: folder, file or zip.
        store_path: the store's file; images and keys lie beside it.

    Returns:
        the cases that were registered, and the refusals.
    """
    from cases.crosswalk import Site
    from cases.images import ImageStore
    from cases.intake import import_path
    from cases.paths import StorePaths

    images = ImageStore(StorePaths(store_path).images)
    intake = import_path(path, site=Site.beside(store_path), images=images, now=now)
    for case in shown(intake.cases, title="Registering", total=len(intake.cases)):
        store.register(case, agent=AGENT, role="importer")
    return intake


def _say_intake(intake: Intake) -> None:
    for case in intake.cases:
        missing = [f"{i.name.value} ({i.missing_reason})" for i in case.inputs if not i.present]
        say(f"{case.case_id}  {case.status.value}" + (f"  missing: {', '.join(missing)}" if missing else ""))
        for warning in shapes.imported_case_shape(case)["warnings"]:  # type: ignore[attr-defined]
            say(f"    {warning}")
    for refused in intake.rejected:
        say(f"refused  {refused.path}: {refused.message} [{refused.rule}]")
    say(f"{len(intake.cases)} came in, {len(intake.rejected)} refused")


def run_cases(arguments: argparse.Namespace) -> int:
    """List the worklist, newest last."""
    with existing_store(arguments.store) as store:
        rows = [
            shapes.case_row(
                case,
                status=store.status(case.case_id),
                draft=store.latest_draft(case.case_id),
                reviews=store.reviews(case.case_id),
            )
            for case in store.cases()
        ]
    if arguments.json:
        say_json({"cases": rows})
        return Exit.OK
    for row in rows:
        draft = row["draft"]
        drafted = f"draft {draft['status']}" if isinstance(draft, dict) else "no draft"
        indication = row["indication"] or ""
        say(f"{row['case_id']}  {row['status']}  {drafted}  {row['reviews']} reviews  {indication}".rstrip())
    say(f"{len(rows)} cases in {arguments.store}")
    return Exit.OK
