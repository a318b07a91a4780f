"""The speed table in Markdown: one table a subject, reasons of empty cells below it. Computes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from evals.bench import Row, RowFigures, figures
from evals.bench_file import Made, Run
from evals.rate import Figure
from vlm.timing import Timed

HEAD = (
    "weights",
    "mode",
    "ms per token (95 %)",
    "of bf16 eager",
    "floor, ms",
    "share of floor",
    "prefill, ms",
    "image, ms",
    "draft, s",
    "peak, MiB",
    "model held, MiB",
)
EMPTY = "–"
FIRST_FIGURE = 2


def markdown(run: Run, made: Sequence[Made]) -> str:
    """The table with the command, machine and dates that it was made by, and what else ran there."""
    rows = [item.row for item in made]
    subjects = list(dict.fromkeys(row.key.subject for row in rows))
    dates = ", ".join(sorted({item.date for item in made}))
    parts = [f"Machine: {run.machine}. Date: {dates}. Command: `{run.command}`."]
    measured = [item for item in made if isinstance(item.row.result, Timed)]
    loads = dict.fromkeys(item.beside for item in measured if item.beside)
    for note in (run.note, *(f"{_count(measured, load)} {load}" for load in loads)):
        parts += [f"Note: {note}."] if note else []
    parts += [_section(subject, [row for row in rows if row.key.subject == subject]) for subject in subjects]
    return "\n\n".join(parts) + "\n"


def _count(measured: Sequence[Made], load: str) -> str:
    return f"{sum(item.beside == load for item in measured)} of {len(measured)} measured rows were"


def _section(subject: str, rows: Sequence[Row]) -> str:
    found = [(row, figures(rows, row)) for row in rows]
    effort = rows[0].effort
    title = (
        f"### {subject}\n\n{effort.prompt_tokens} tokens before the answer, {effort.new_tokens} new tokens, median of "
        f"{effort.repeats} repeats{_devices(rows)}."
    )
    reasons = list(dict.fromkeys(made.reason for _, made in found if made.reason is not None))
    lines = [_line(HEAD), _line(["---"] * len(HEAD)), *(_line(_cells(row, made, reasons)) for row, made in found)]
    notes = [f"[{number}] not measured: {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n\n".join([title, "\n".join(lines), *notes])


def _devices(rows: Sequence[Row]) -> str:
    """On what the rows were measured: the device's name, and the threads that torch had."""
    timed = [row.result for row in rows if isinstance(row.result, Timed)]
    named = dict.fromkeys(f"{one.device}, {one.threads} thread{'s' * (one.threads > 1)}" for one in timed)
    return f"; {' and '.join(named)}" if named else ""


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def _cells(row: Row, made: RowFigures, reasons: Sequence[str]) -> list[str]:
    named = [row.key.weights, row.key.mode]
    if made.reason is not None:
        return [*named, f"[{reasons.index(made.reason) + 1}]", *[EMPTY] * (len(HEAD) - FIRST_FIGURE - 1)]
    return [
        *named,
        _spread(made.token_ms),
        _number(made.relative, "{:.2f}"),
        _number(made.floor_ms, "{:.3g}"),
        _number(made.floor_share.value, "{:.1%}"),
        _number(made.prefill_ms.value, "{:.3g}"),
        _number(made.image_ms.value, "{:.3g}"),
        _number(made.draft_s.value, "{:.3g}"),
        _number(made.peak_mib, "{:.0f}"),
        _number(made.held_mib, "{:.1f}"),
    ]


def _number(value: float | None, shape: str) -> str:
    return EMPTY if value is None else shape.format(value)


def _spread(figure: Figure) -> str:
    """Median and interval.

    >>> _spread(Figure(3.0, (2.5, 3.25), 9))
    '3 (2.5 to 3.25)'
    """
    if figure.value is None or figure.ci95 is None:
        return _number(figure.value, "{:.3g}")
    return f"{figure.value:.3g} ({figure.ci95[0]:.3g} to {figure.ci95[1]:.3g})"
