"""A folder of labelled radiographs: `manifest.csv`, its images and, where there is one, `notes.csv`.

The columns are those of the NIH development set (`file, split, patient, followup, view, age, sex, labels_text_mined,
labels_adjudicated, boxes`); other folders may leave out all but `file` and `patient`. `notes.csv` has `file,
note_id, date, kind, text`. Not here: what is done with them (`evals.trial`, `evals.insertion`).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from cases.study import PriorNote
from grounding.box import Box, clipped_box

NO_FINDING = "No Finding"
REQUIRED = ("file", "patient")
FULL_SCALE = 257  # uint8 -> uint16 so that 255 becomes 65535, the full display range


class ManifestError(ValueError):
    """A manifest that cannot be read; the text names the file, the line, the rule and the way out."""


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """A box somebody drew, with the label they gave it."""

    label: str
    box: Box


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One radiograph of the manifest.

    Attributes:
        path: of the image file, inside the folder.
        patient: the cluster for intervals (a public or pseudonymous name; never printed).
        split: "train", "dev", ... ; "" where the manifest has none.
        labels: text-mined; empty where unknown, ("No Finding",) for a normal one.
        boxes: drawn by readers.
        notes: newest first, undated last; from `notes.csv`.
    """

    path: Path
    patient: str
    split: str
    view: str | None
    age_years: int | None
    sex: str | None
    labels: tuple[str, ...]
    adjudicated: str
    boxes: tuple[LabelledBox, ...]
    source: str
    notes: tuple[PriorNote, ...] = ()

    @property
    def normal(self) -> bool:
        """Whether the only label, mined or else adjudicated, is "No Finding" and nothing says otherwise."""
        only = self.labels or (self.adjudicated,)
        return only == (NO_FINDING,) and not self.boxes and "=YES" not in self.adjudicated

    def pixels(self) -> NDArray[np.uint16]:
        """The grey image, shape (rows, columns), the 8-bit range stretched to 16 bits."""
        with PillowImage.open(self.path) as image:
            grey = np.asarray(image.convert("L"), dtype=np.uint16)
        return grey * np.uint16(FULL_SCALE)


def read_manifest(folder: Path, *, split: str | None = None) -> tuple[ManifestRow, ...]:
    """The rows of `folder/manifest.csv` in file order, those of one split only when it is named.

    Raises:
        ManifestError: no manifest, a missing column, a path that leaves the folder, a box that is none.
    """
    notes = _read_notes(folder)
    rows = []
    for number, record in _records(folder / "manifest.csv", REQUIRED):
        if split is None or record.get("split", "") == split:
            rows.append(_row(folder, number, record, notes))
    return tuple(rows)


def _records(path: Path, required: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    if not path.is_file():
        msg = f"{path.name}: not found; give a folder that holds manifest.csv and its images (--cases DIR)"
        raise ManifestError(msg)
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        missing = [name for name in required if name not in (reader.fieldnames or ())]
        if missing:
            msg = f"{path.name}: columns {', '.join(missing)} are missing; it needs {', '.join(required)}"
            raise ManifestError(msg)
        return [(number, {k: v or "" for k, v in record.items() if k}) for number, record in enumerate(reader, 2)]


def _row(
    folder: Path, number: int, record: Mapping[str, str], notes: Mapping[str, tuple[PriorNote, ...]]
) -> ManifestRow:
    labels = tuple(label.strip() for label in record.get("labels_text_mined", "").split("|") if label.strip())
    age = record.get("age", "").strip()
    return ManifestRow(
        path=_inside(folder, record["file"], number),
        patient=record["patient"],
        split=record.get("split", ""),
        view=record.get("view") or None,
        age_years=int(age) if age.isdigit() else None,
        sex=record.get("sex") or None,
        labels=labels,
        adjudicated=record.get("labels_adjudicated", ""),
        boxes=_boxes(record.get("boxes", ""), number),
        source=record.get("source", ""),
        notes=notes.get(record["file"], ()),
    )


def _inside(folder: Path, name: str, number: int) -> Path:
    parts = PurePosixPath(name)
    if not name or parts.is_absolute() or ".." in parts.parts:
        msg = f"manifest.csv line {number}: `file` must stay inside the folder; write a relative path without `..`"
        raise ManifestError(msg)
    return folder / parts


def _boxes(text: str, number: int) -> tuple[LabelledBox, ...]:
    if not text.strip():
        return ()
    try:
        drawn = [(str(item["label"]), _clipped(item)) for item in json.loads(text)]
    except (ValueError, KeyError, TypeError) as error:
        msg = (
            f"manifest.csv line {number}: `boxes` is not a JSON list of "
            f"{{label, x_min, y_min, x_max, y_max}} normalized to [0, 1] ({type(error).__name__})"
        )
        raise ManifestError(msg) from error
    return tuple(LabelledBox(label, box) for label, box in drawn)


def _clipped(item: Mapping[str, float]) -> Box:
    corners = [float(item[name]) for name in ("x_min", "y_min", "x_max", "y_max")]
    box = clipped_box(*corners)
    if box is None:
        msg = "a box lies wholly outside the image"
        raise ValueError(msg)
    return box


def _read_notes(folder: Path) -> dict[str, tuple[PriorNote, ...]]:
    path = folder / "notes.csv"
    if not path.exists():
        return {}
    found: dict[str, list[PriorNote]] = {}
    for number, record in _records(path, ("file", "note_id", "date", "kind", "text")):
        found.setdefault(record["file"], []).append(_note(record, number))
    return {name: tuple(sorted(notes, key=_age_key)) for name, notes in found.items()}


def _note(record: Mapping[str, str], number: int) -> PriorNote:
    written = record["date"].strip()
    try:
        day = date.fromisoformat(written) if written else None
        return PriorNote(record["note_id"], day, record["kind"] or "note", record["text"])
    except ValueError as error:
        msg = f"notes.csv line {number}: a note has text and a date like 2024-01-31 (or none)"
        raise ManifestError(msg) from error


def _age_key(note: PriorNote) -> tuple[bool, int]:
    return (note.written is None, -note.written.toordinal() if note.written else 0)
