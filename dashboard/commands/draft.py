"""`overread draft`: a model drafts one case, and the draft is recorded whatever became of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.commands import shapes
from dashboard.commands.common import (
    AGENT,
    CommandError,
    Exit,
    add_common,
    complain,
    existing_store,
    known_case,
    new_id,
    now,
    say,
    say_json,
)

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from cases.draft import Draft
    from cases.store import Store
    from cases.study import Case
    from vlm.model_spec import ModelSpec
    from vlm.supervised import SupervisedDrafter


def add_parsers(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `draft`."""
    drafting = commands.add_parser("draft", help="let the model draft one case")
    drafting.add_argument("case", metavar="CASE", help="id of a case, as `overread cases` lists it")
    add_model(drafting)
    add_common(drafting)
    drafting.set_defaults(run=run_draft)


def add_quantization(parser: argparse.ArgumentParser, *, default: str | None = "none") -> None:
    """Give a command `--quantization`."""
    parser.add_argument(
        "--quantization",
        choices=("none", "int8", "nf4", "nf4-double"),
        default=default,
        help="how the language model's layers are stored (default: as listed, or none); all run on a CPU",
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Give a command `--model` and `--quantization`."""
    parser.add_argument(
        "--model",
        default="embedded",
        metavar="M",
        help="name of a model, as `overread models` lists it (default: %(default)s)",
    )
    add_quantization(parser, default=None)


def run_draft(arguments: argparse.Namespace) -> int:
    """Draft and record one case; exit 1 when the draft failed."""
    with model(arguments.quantization, name=arguments.model, store=arguments.store) as drafter:
        drafter.start()  # the model loads on one core while the store opens on the other
        with existing_store(arguments.store) as store:
            case = known_case(store, arguments.case)
            draft = draft_and_record(store, case, store_path=arguments.store, drafter=drafter)
        if drafter.uncalibrated:
            complain(f"no probabilities are given: {drafter.uncalibrated}")
    if arguments.json:
        say_json(shapes.draft_shape(draft))
    else:
        say_draft(draft)
    return Exit.ANSWER_IS_NO if draft.failure is not None else Exit.OK


@contextmanager
def model(
    quantization: str | None, *, name: str = "embedded", store: Path | None = None
) -> Iterator[SupervisedDrafter]:
    """A model in a process of its own: a crash or a hang costs one failed draft, not the command.

    Args:
        quantization: None for the one that is listed.
        name: as `overread models` lists it.
        store: whose site's models are meant, whose self-tests count, and by whose rules drafts are judged; None for
            the embedded model as it is, whose drafts nobody judges (the referee's).

    Raises:
        CommandError: no model has that name, it is not offered, its weights are not the ones that are named, or the
            site's rules cannot be followed.
    """
    from cases.protocol import ProtocolError
    from vlm.errors import ModelLoadError, NotOfferedError, SiteModelsError
    from vlm.rulebook import rules_for
    from vlm.supervised import SupervisedDrafter

    try:
        spec = _chosen(quantization, name, store)
        rules = None if store is None else partial(rules_for, spec, store)
        with SupervisedDrafter(spec, now=now, new_id=new_id, rules=rules) as drafter:
            yield drafter
    except ProtocolError as error:
        raise CommandError(str(error), code=Exit.NOT_FOUND) from error
    except NotOfferedError as error:
        raise CommandError(str(error), code=Exit.ANSWER_IS_NO) from error
    except SiteModelsError as error:
        raise CommandError(str(error), code=Exit.NOT_FOUND) from error
    except ModelLoadError as error:
        msg = f"the model {name} cannot be loaded: {error}; `overread doctor` says what is missing and how to mend it"
        raise CommandError(msg, code=Exit.MISSING_PART) from error


def _chosen(quantization: str | None, name: str, store: Path | None) -> ModelSpec:
    from vlm.model_spec import Quantization
    from vlm.registry import spec_named
    from vlm.self_test_record import offered_model

    asked = None if quantization is None else Quantization(quantization)
    return spec_named(name, quantization=asked) if store is None else offered_model(name, store, quantization=asked)


def draft_and_record(store: Store, case: Case, *, store_path: Path, drafter: SupervisedDrafter) -> Draft:
    """Draft one case and record the draft (a report, a failure or an abstention) with its evidence."""
    from cases.images import ImageStore
    from cases.paths import StorePaths
    from cases.pixels import pixels_of

    images = ImageStore(StorePaths(store_path).images)
    pixels = pixels_of(case, images)
    draft = drafter.draft(case, pixels=pixels)
    store.record_draft(draft, agent=AGENT, evidence=drafter.explain(draft, case=case, pixels=pixels))
    return draft


def say_draft(draft: Draft) -> None:
    """Print a draft in words."""
    say(f"draft {draft.draft_id} of case {draft.case_id}: {draft.status.value}. Draft, research use only.")
    if draft.failure is not None:
        say(f"failed ({draft.failure.kind.value}): {draft.failure.message}")
    if draft.abstention is not None:
        say(f"abstained: {draft.abstention}")
    for index, sentence in enumerate(draft.report.sentences if draft.report else ()):
        boxes = " ".join(f"[{box.x_min:.3f} {box.y_min:.3f} {box.x_max:.3f} {box.y_max:.3f}]" for box in sentence.boxes)
        say(f"{index}  {sentence.text}  {boxes}".rstrip())
        for citation in sentence.citations:
            say(f"     cites {citation.note_id}: {citation.quote!r}")
