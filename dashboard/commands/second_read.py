"""`overread second-read`: another reader agrees with the signed report of a case, or says why not."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dashboard.commands.common import (
    CommandError,
    Exit,
    add_common,
    existing_store,
    known_case,
    new_id,
    now,
    say,
    say_json,
)
from dashboard.commands.shapes import second_read_shape

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from cases.review import Reason
    from cases.second_read import SecondRead
    from cases.store import Store
    from cases.study import Case

VERDICTS = ("agree", "disagree")


def add_parsers(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `second-read`."""
    parser = commands.add_parser("second-read", help="another reader agrees with a signed report, or says why not")
    parser.add_argument("case", metavar="CASE", help="id of a signed case")
    parser.add_argument("--reader", required=True, metavar="R", help="pseudonymous name of the second reader")
    parser.add_argument("--verdict", required=True, choices=VERDICTS, help="on the report as it stands")
    parser.add_argument(
        "--reason", metavar="CODE", help="why the second reader disagrees, as in decisions (docs/cli.md)"
    )
    parser.add_argument("--note", default="", metavar="TEXT", help="the same in words, at most 300 characters")
    parser.add_argument("--second-read-id", metavar="ID", help="idempotency key: the same key twice is one second read")
    add_common(parser)
    parser.set_defaults(run=run_second_read)


def run_second_read(arguments: argparse.Namespace) -> int:
    """Sign the second read, and say where the case stands only when the store has read it back."""
    with existing_store(arguments.store) as store:
        case = known_case(store, arguments.case)
        second_read = _second_read(arguments, store, case)
        receipt = store.record_second_read(second_read, agent_role="reader")
        status = store.status(case.case_id)
    if arguments.json:
        say_json(second_read_shape(second_read, receipt, status=status))
    else:
        say(f"{said(second_read)}: event {receipt.sequence} of the ledger, the case is {status.value}")
    return Exit.OK


def said(second_read: SecondRead) -> str:
    """What a second reader said, in words."""
    if second_read.reason is None:
        return "agrees"
    note = f", {second_read.note}" if second_read.note else ""
    return f"disagrees ({second_read.reason.value.replace('_', ' ')}{note})"


def _second_read(arguments: argparse.Namespace, store: Store, case: Case) -> SecondRead:
    """The second read that these arguments make; with the time of the first signing when it is signed already."""
    from cases.second_read import SecondRead, Verdict

    kept = next(
        (one for one in store.second_reads(case.case_id) if one.second_read_id == arguments.second_read_id), None
    )
    try:
        return SecondRead(
            second_read_id=arguments.second_read_id or new_id(),
            review_id=_review_in_force(store, case) if kept is None else kept.review_id,
            case_id=case.case_id,
            reader_id=arguments.reader,
            verdict=Verdict(arguments.verdict),
            reason=_reason(arguments.reason),
            signed=now() if kept is None else kept.signed,
            note=arguments.note.strip(),
        )
    except ValueError as error:
        raise CommandError(str(error)) from error


def _reason(text: str | None) -> Reason | None:
    from cases.review import Reason

    if text is None:
        return None
    if text not in set(Reason):
        msg = f"a reason is one of {', '.join(Reason)}, not {text!r}"
        raise CommandError(msg)
    return Reason(text)


def _review_in_force(store: Store, case: Case) -> str:
    signed = store.reviews(case.case_id)
    if not signed:
        msg = f"case {case.case_id} has no signed report to read a second time: overread sign {case.case_id} first"
        raise CommandError(msg, code=Exit.ANSWER_IS_NO)
    return signed[-1].review_id
