"""The speed table as files: JSON with every repeat, Markdown for people; written after each row, so a run can resume.

A row that a file already holds is kept when it measured something and was made by the same inputs: the same model
content, effort, versions and machine. What was not measured is tried again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evals.bench import Row, RowKey, figures
from vlm.timing import Effort, NotMeasured, Proof, Timed

FORMAT = "overread-bench@1"


class BenchFileError(ValueError):
    """A file that is not a table of this format."""


@dataclass(frozen=True, slots=True)
class Run:
    """What all rows of a table share.

    Attributes:
        machine: in plain words.
        command: that makes the table.
        note: what a reader must know beside that; "" when nothing.
    """

    machine: str
    command: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A row, what it was made from, and when; a resumed run keeps this of the rows it keeps.

    Attributes:
        row: the row.
        inputs: fingerprint that a resumed run compares.
        date: ISO day.
        beside: another load that was there when its run began, in words; "" on a quiet machine.
    """

    row: Row
    inputs: str
    date: str
    beside: str = ""


def document(run: Run, made: Sequence[Made]) -> dict[str, object]:
    """The whole table as `--json` prints it and `--out` keeps it."""
    rows = [item.row for item in made]
    return {
        "format": FORMAT,
        **asdict(run),
        "intervals": "95 %, bootstrap over repeats; floor_share is the floor over the measured step",
        "rows": [
            {
                **asdict(item.row.key),
                "effort": asdict(item.row.effort),
                "figures": figures(rows, item.row).as_dict(),
                "measured": asdict(item.row.result) if isinstance(item.row.result, Timed) else None,
                "inputs": item.inputs,
                "date": item.date,
                "beside": item.beside,
            }
            for item in made
        ],
    }


def write(path: Path, content: str) -> None:
    """Write a file whole or not at all: beside it first, then in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.part")
    fresh.write_text(content, encoding="utf-8")
    fresh.replace(path)


def read(path: Path) -> tuple[Made, ...]:
    """The rows that a file holds; none when there is no file.

    Raises:
        BenchFileError: it is not a table of this format.
    """
    if not path.exists():
        return ()
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
        rows = tuple(_made(fields) for fields in listed["rows"])
        _refuse_other_format(listed["format"])
    except (ValueError, KeyError, TypeError) as fault:
        msg = f"{path} is no table of the format {FORMAT} ({type(fault).__name__}): name another file, or remove it"
        raise BenchFileError(msg) from fault
    return rows


def _refuse_other_format(found: str) -> None:
    if found != FORMAT:
        raise ValueError(found)


def kept(earlier: Sequence[Made], key: RowKey, *, inputs: str) -> Made | None:
    """The earlier row that need not be run again."""
    for item in earlier:
        if item.row.key == key and item.inputs == inputs and isinstance(item.row.result, Timed):
            return item
    return None


def _made(fields: dict[str, Any]) -> Made:
    key = RowKey(*(fields[name] for name in ("subject", "dtype", "quantization", "mode")))
    measured = fields["measured"]
    result = NotMeasured(fields["figures"]["reason"]) if measured is None else _timed(measured)
    row = Row(key, Effort(**fields["effort"]), result)
    return Made(row, fields["inputs"], fields["date"], fields["beside"])


def _timed(fields: dict[str, Any]) -> Timed:
    proof = fields["proof"]
    plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    return Timed(**{**plain, "proof": None if proof is None else Proof(**proof)})
