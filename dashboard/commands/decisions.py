"""The decisions file of `overread sign`: read at this door by pydantic, turned into the ledger's atomic decisions.

The file is untrusted: unknown keys, wrong kinds, and a sentence decided twice or not at all are refused in words. What
an edit counts as (reworded or corrected) is not read here but derived from what changed (`cases.answer`). The format is
written down in docs/cli.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from cases.answer import Answer, Choice, IncompleteAnswerError, added, reviewed
from cases.review import Reason, SentenceReview
from dashboard.commands.common import CommandError, Exit
from grounding.box import Box
from grounding.report import GroundedSentence, Laterality, Polarity, Progression

MOST_BYTES = 1_000_000
SPELLINGS = {"kept": "keep", "reworded": "reword", "corrected": "correct", "deleted": "delete", "added": "add"}


def _spelling(value: object) -> object:
    """The button's name for the ledger's word: both are accepted."""
    return SPELLINGS.get(value, value) if isinstance(value, str) else value


class BoxEntry(BaseModel):
    """A box, normalized to the original displayed image; checked by `grounding.box`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    def box(self) -> Box:
        """As the rooms know it."""
        return Box(self.x_min, self.y_min, self.x_max, self.y_max)


class DecisionEntry(BaseModel):
    """One decision as the file spells it.

    Attributes:
        index: of the drafted sentence; an added one needs none (it stands after the drafted ones).
        text, boxes: the sentence as the reader wants it; as drafted where left out.
        reason: why; needed for everything but keep and a mere rewording.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: Annotated[Literal["keep", "reword", "correct", "delete", "add"], BeforeValidator(_spelling)]
    index: int | None = Field(default=None, ge=0)
    text: str | None = Field(default=None, max_length=2000)
    boxes: list[BoxEntry] | None = Field(default=None, max_length=50)
    reason: Reason | None = None
    polarity: Polarity | None = None
    laterality: Laterality | None = None
    progression: Progression | None = None

    def answer(self, before: GroundedSentence) -> Answer:
        """The reader's answer to a drafted sentence."""
        return Answer(
            choice=Choice(self.decision),
            text=before.text if self.text is None else self.text,
            boxes=before.boxes if self.boxes is None else tuple(entry.box() for entry in self.boxes),
            polarity=self.polarity,
            laterality=self.laterality,
            progression=self.progression,
            reason=self.reason,
        )


def read_decisions(path: Path) -> tuple[DecisionEntry, ...]:
    """The entries of a decisions file.

    Raises:
        CommandError: it is not there, too long, or not of the written form; names the entry, never quotes its text.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        msg = f"the decisions file {path} cannot be read ({error.strerror}): name an existing JSON file"
        raise CommandError(msg, code=Exit.NOT_FOUND) from error
    if len(raw) > MOST_BYTES:
        msg = (
            f"a decisions file has at most {MOST_BYTES} bytes, {path} has {len(raw)}: one entry per sentence is enough"
        )
        raise CommandError(msg)
    try:
        return tuple(TypeAdapter(list[DecisionEntry]).validate_json(raw))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole file"
        msg = f"{path} is not a list of decisions: {where}: {first['msg']}; see docs/cli.md for the form"
        raise CommandError(msg) from error


def decided(
    entries: Sequence[DecisionEntry], *, drafted: Sequence[GroundedSentence], notes: Mapping[str, str]
) -> tuple[SentenceReview, ...]:
    """The atomic decisions, drafted sentences first and in order, additions after them.

    Args:
        entries: of the file, in any order.
        drafted: the sentences of the draft; empty when there is no draft to review.
        notes: text of each prior note by its id.

    Raises:
        CommandError: a drafted sentence has no decision or two, an index is not in the draft, an entry is incomplete.
    """
    answers = [entry for entry in entries if entry.decision != "add"]
    _check_each_once([entry.index for entry in answers], count=len(drafted))
    by_index = {entry.index: entry for entry in answers}
    reviews = [_reviewed(by_index[index], index, before, notes=notes) for index, before in enumerate(drafted)]
    additions = [entry for entry in entries if entry.decision == "add"]
    reviews += [_added(entry, len(drafted) + place, notes=notes) for place, entry in enumerate(additions)]
    return tuple(reviews)


def _check_each_once(indices: Sequence[int | None], *, count: int) -> None:
    unknown = sorted({str(index) for index in indices if index is None or index >= count})
    if unknown:
        msg = f"the draft has {count} sentences (0 to {count - 1}), and the file decides on {', '.join(unknown)}"
        raise CommandError(msg)
    twice = sorted({index for index in indices if indices.count(index) > 1 and index is not None})
    if twice:
        msg = f"a sentence is decided once, and the file decides more than once on {twice}"
        raise CommandError(msg)
    open_ = sorted(set(range(count)) - set(indices))
    if open_:
        msg = f"every drafted sentence needs a decision before signing, and these have none: {open_}"
        raise CommandError(msg)


def _reviewed(
    entry: DecisionEntry, index: int, before: GroundedSentence, *, notes: Mapping[str, str]
) -> SentenceReview:
    try:
        return reviewed(index, before, answer=entry.answer(before), notes=notes)
    except (IncompleteAnswerError, ValueError) as error:
        msg = f"sentence {index}: {error}"
        raise CommandError(msg) from error


def _added(entry: DecisionEntry, index: int, *, notes: Mapping[str, str]) -> SentenceReview:
    try:
        boxes = tuple(box.box() for box in entry.boxes or ())
        return added(index, entry.text or "", boxes=boxes, reason=entry.reason or Reason.MISSED_FINDING, notes=notes)
    except (IncompleteAnswerError, ValueError) as error:
        msg = f"added sentence {index}: {error}"
        raise CommandError(msg) from error
