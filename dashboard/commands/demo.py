"""`overread demo`: prepares the demo pilot (simulated cases and one real radiograph), then serves the dashboard.

Everything shown is computed here, by the embedded model, on this machine. What exists already is not done again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from cases.draft import DraftStatus
from dashboard.commands.cases import bring_in
from dashboard.commands.common import CommandError, Exit, add_common, made_store, say, say_json, shown
from dashboard.commands.draft import draft_and_record, model

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from cases.draft import Draft
    from cases.store import Store
    from cases.study import Case

REAL = "RG1_UNCR.dcm"
HOST = "127.0.0.1"


def add_parsers(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `demo`."""
    demo = commands.add_parser("demo", help="prepare the demo pilot, then serve the dashboard on this machine")
    demo.add_argument("--no-serve", action="store_true", help="prepare only, then end")
    demo.add_argument("--port", type=int, default=8501, help="port on 127.0.0.1 (default: %(default)s)")
    add_common(demo)
    demo.set_defaults(run=run_demo)


def run_demo(arguments: argparse.Namespace) -> int:
    """Prepare the pilot and serve it; with `--no-serve`, end after preparing."""
    if not arguments.no_serve:
        _need_port(arguments.port)
    with made_store(arguments.store) as store:
        cases = demo_cases(store, arguments.store)
        drafts = demo_drafts(store, cases, store_path=arguments.store)
    counted = Counter(draft.status for draft in drafts)
    shape = {
        "store": str(arguments.store),
        "cases": len(cases),
        "drafts": counted[DraftStatus.OK],
        "failed": counted[DraftStatus.FAILED],
    }
    if arguments.json:
        say_json(shape)
    else:
        say(f"{shape['cases']} cases, {shape['drafts']} drafts, {shape['failed']} failed, in {arguments.store}")
    if not arguments.no_serve:
        serve(arguments.store, port=arguments.port)
    return Exit.OK


def demo_cases(store: Store, store_path: Path) -> tuple[Case, ...]:
    """The demo's cases, imported the first time only; a list beside the store remembers which they are."""
    remembered = store_path.with_name(f"{store_path.name}.demo.json")
    known = {case.case_id: case for case in store.cases()}
    if remembered.is_file():
        ids = json.loads(remembered.read_text(encoding="utf-8"))
        if all(case_id in known for case_id in ids):
            return tuple(known[case_id] for case_id in ids)
    cases = _import_all(store, store_path)
    remembered.write_text(json.dumps([case.case_id for case in cases]), encoding="utf-8")
    return cases


def _import_all(store: Store, store_path: Path) -> tuple[Case, ...]:
    from cases.phantom.demo import write_demo

    folder = store_path.with_name(f"{store_path.name}.demo")
    shutil.rmtree(folder, ignore_errors=True)  # what an interrupted start left behind
    write_demo(folder)
    intakes = [bring_in(store, path, store_path=store_path) for path in (folder, real_radiograph())]
    refused = [refusal for intake in intakes for refusal in intake.rejected]
    if refused:
        msg = (
            f"the demo's own files were refused: {refused[0].message} [{refused[0].rule}]; overread doctor may say why"
        )
        raise CommandError(msg, code=Exit.MISSING_PART)
    return tuple(case for intake in intakes for case in intake.cases)


def real_radiograph() -> Path:
    """RG1, a real chest radiograph that the package pydicom-data carries.

    Raises:
        CommandError: the package is not installed.
    """
    from pydicom.data import get_testdata_file

    found = get_testdata_file(REAL, download=False)
    if not isinstance(found, str):
        msg = f"{REAL} is not on this machine: install the package that carries it (pip install pydicom-data)"
        raise CommandError(msg, code=Exit.MISSING_PART)
    return Path(found)


def demo_drafts(store: Store, cases: tuple[Case, ...], *, store_path: Path) -> tuple[Draft, ...]:
    """A draft of each case by the embedded model; only those that are not there yet, or are older weights', are made.

    A newer draft is a new row; a case that is signed keeps the draft that was signed.
    """
    latest = {case.case_id: store.latest_draft(case.case_id) for case in cases}
    signed = {review.case_id for review in store.reviews()}
    weights = weights_now()
    wanting = [
        case
        for case in cases
        if (draft := latest[case.case_id]) is None
        or (case.case_id not in signed and written_by_others(draft, weights=weights))
    ]
    if wanting:
        with model("none", store=store_path) as drafter:
            for case in shown(wanting, title="Drafting", total=len(wanting)):
                latest[case.case_id] = draft_and_record(store, case, store_path=store_path, drafter=drafter)
    return tuple(draft for draft in latest.values() if draft is not None)


def weights_now() -> str | None:
    """SHA-256 of the weights that the embedded model has now, None where there are none to draft with."""
    from vlm.errors import ModelLoadError
    from vlm.registry import embedded_spec

    try:
        return embedded_spec().weights_sha256
    except ModelLoadError:
        return None  # what was drafted is shown; a case without a draft says what is missing


def written_by_others(draft: Draft, *, weights: str | None) -> bool:
    """Whether other weights than those of now wrote a draft; an abstention is no model's."""
    return weights is not None and draft.status is not DraftStatus.ABSTAINED and draft.model.revision != weights


def _need_port(port: int) -> None:
    """Refuse before the work, not after it, when the address is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            msg = f"{HOST}:{port} is taken: close what serves there (an earlier demo, perhaps), or give another --port"
            raise CommandError(msg, code=Exit.STORE_BUSY) from error


def serve(store: Path, *, port: int) -> None:
    """Become the dashboard: this process is replaced, so that a signal or Ctrl-C reaches the server itself."""
    from dashboard.settings import PROJECT, serve_command, serve_environment

    say(f"Overread is at http://{HOST}:{port} (Ctrl-C ends it). Draft, research use only.")
    environment = serve_environment(store)
    os.chdir(PROJECT)
    command = serve_command(port=port)
    os.execve(command[0], list(command), environment)  # noqa: S606 - our own interpreter, fixed arguments
