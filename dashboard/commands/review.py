"""`overread show` and `overread sign`: a case with its draft and reviews, and a reader's signature under decisions."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
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

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from cases.draft import Draft
    from cases.review import Review, SentenceReview
    from cases.second_read import SecondRead
    from cases.store import Store
    from cases.study import Case
    from dashboard.commands.decisions import DecisionEntry


def add_parsers(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `show` and `sign`."""
    show = commands.add_parser("show", help="a case with its notes, its latest draft and its reviews")
    show.add_argument("case", metavar="CASE", help="id of a case")
    add_common(show)
    show.set_defaults(run=run_show)
    sign = commands.add_parser("sign", help="sign a reader's decisions on the latest draft of a case")
    sign.add_argument("case", metavar="CASE", help="id of a case")
    sign.add_argument("--reader", required=True, metavar="R", help="pseudonymous name of the person who signs")
    sign.add_argument("--decisions", required=True, type=Path, metavar="FILE", help="JSON, see docs/cli.md")
    sign.add_argument("--opened", type=_moment, metavar="TIME", help="when the case was opened, ISO 8601 with a zone")
    sign.add_argument("--active-seconds", type=_seconds, metavar="S", help="seconds of reading, idle time removed")
    sign.add_argument("--review-id", metavar="ID", help="idempotency key: signing the same key twice signs once")
    sign.add_argument("--amend", action="store_true", help="amend the review that is signed already")
    add_common(sign)
    sign.set_defaults(run=run_sign)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        msg = f"a time needs its zone, for example 2026-01-31T09:30:00+00:00: {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return moment


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.0 <= seconds < float("inf"):
        msg = f"seconds of reading are zero or more: {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return seconds


def run_show(arguments: argparse.Namespace) -> int:
    """Print one case with all that the store has of it."""
    from cases.serialize import to_dict
    from dashboard.commands.evidence_lines import evidence_lines
    from dashboard.commands.shapes import evidence_shape

    with existing_store(arguments.store) as store:
        case = known_case(store, arguments.case)
        draft, reviews = store.latest_draft(case.case_id), store.reviews(case.case_id)
        evidence = None if draft is None else store.evidence_of(draft.draft_id)
        status, second_reads = store.status(case.case_id), store.second_reads(case.case_id)
    if arguments.json:
        say_json(
            {
                "status": status.value,
                "case": to_dict(case),
                "draft": None if draft is None else to_dict(draft),
                "reviews": [to_dict(review) for review in reviews],
                "second_reads": [to_dict(second_read) for second_read in second_reads],
                "evidence": None if evidence is None else evidence_shape(evidence),
            }
        )
    else:
        say(f"case {case.case_id}: {status.value}")
        _say_case(case)
        _say_readings(draft, reviews, second_reads)
        if draft is not None and draft.report is not None:
            for line in evidence_lines(draft.report, evidence):
                say(line)
    return Exit.OK


def _say_case(case: Case) -> None:
    say(f"indication: {case.indication or 'not sent'}")
    for note in case.notes:
        say(f"{note.kind} of {note.written or 'unknown date'} ({note.note_id}), reduced, not de-identified:")
        say("    " + note.text.replace("\n", "\n    "))
    for warning in case.warnings:
        say(f"warning: {warning}")


def _say_readings(draft: Draft | None, reviews: tuple[Review, ...], second_reads: tuple[SecondRead, ...]) -> None:
    from dashboard.commands.draft import say_draft
    from dashboard.commands.second_read import said

    if draft is None:
        say("no draft yet: overread draft CASE")
    else:
        say_draft(draft)
    for review in reviews:
        word = "overridden" if review.overridden else "accepted"
        say(f"signed {review.signed.isoformat()} by {review.reader_id}: {word}, {len(review.sentences)} decisions")
        for second in (one for one in second_reads if one.review_id == review.review_id):
            say(f"second read {second.signed.isoformat()} by {second.reader_id}: {said(second)}")


def run_sign(arguments: argparse.Namespace) -> int:
    """Sign the decisions, and say so only when the store has read them back."""
    from dashboard.commands.decisions import read_decisions

    started = now()
    entries = read_decisions(arguments.decisions)
    with existing_store(arguments.store) as store:
        case = known_case(store, arguments.case)
        review = _review(arguments, store, case, entries=entries, started=started)
        receipt = store.sign(review, agent_role="reader")
        status, waits_for = store.status(case.case_id), store.waits_for_second_read(case.case_id)
    if arguments.json:
        say_json(
            {
                "case_id": review.case_id,
                "review_id": review.review_id,
                "draft_id": review.draft_id,
                "overridden": review.overridden,
                "decisions": [{"index": s.index, "decision": s.decision.value} for s in review.sentences],
                "sequence": receipt.sequence,
                "recorded": receipt.recorded.isoformat(),
                "status": status.value,
                "waits_for_second_read": [asdict(trigger) for trigger in waits_for],
            }
        )
    else:
        word = "with overrides" if review.overridden else "as drafted"
        say(f"signed {word}: review {review.review_id} is event {receipt.sequence} of the ledger")
        for reason in dict.fromkeys(trigger.reason for trigger in waits_for):
            say(f"{status.value} until another reader agrees: {reason}")
    return Exit.OK


def _review(
    arguments: argparse.Namespace, store: Store, case: Case, *, entries: tuple[DecisionEntry, ...], started: datetime
) -> Review:
    """The review that these arguments and decisions make; the times of the first signing when it is signed already."""
    kept = next((r for r in store.reviews(case.case_id) if r.review_id == arguments.review_id), None)
    try:
        review = _new_review(arguments, store, case, entries=entries, started=started)
    except ValueError as error:
        raise CommandError(str(error)) from error
    if kept is None:
        return replace(review, supersedes=_superseded(store, case, arguments))
    return replace(review, opened=kept.opened, signed=kept.signed, active_s=kept.active_s, supersedes=kept.supersedes)


def _new_review(
    arguments: argparse.Namespace, store: Store, case: Case, *, entries: tuple[DecisionEntry, ...], started: datetime
) -> Review:
    from cases.reading_time import active_seconds
    from cases.review import Arm, Review

    opened, signed = arguments.opened or started, now()
    measured = arguments.active_seconds
    draft = store.latest_draft(case.case_id)
    shown = draft if draft is not None and draft.report is not None else None
    return Review(
        review_id=arguments.review_id or new_id(),
        case_id=case.case_id,
        draft_id=None if shown is None else shown.draft_id,
        reader_id=arguments.reader,
        # A draft that failed was still the model's turn: only a case that no model was asked about is without AI.
        arm=Arm.NO_AI if draft is None else Arm.AI_FIRST,
        opened=opened,
        signed=signed,
        active_s=active_seconds([opened, signed]) if measured is None else measured,
        sentences=_sentences(case, shown, entries),
    )


def _sentences(case: Case, shown: Draft | None, entries: tuple[DecisionEntry, ...]) -> tuple[SentenceReview, ...]:
    from dashboard.commands.decisions import decided

    drafted = shown.report.sentences if shown is not None and shown.report is not None else ()
    return decided(entries, drafted=drafted, notes={note.note_id: note.text for note in case.notes})


def _superseded(store: Store, case: Case, arguments: argparse.Namespace) -> str | None:
    """The review that this one amends.

    Raises:
        CommandError: the case is signed and `--amend` was not given, or the other way round.
    """
    signed = store.reviews(case.case_id)
    if signed and not arguments.amend:
        msg = f"case {case.case_id} is signed already by {signed[-1].reader_id}: to amend that review, add --amend"
        raise CommandError(msg, code=Exit.ANSWER_IS_NO)
    if arguments.amend and not signed:
        msg = f"case {case.case_id} has no signed review to amend: leave --amend out"
        raise CommandError(msg)
    return signed[-1].review_id if signed else None
