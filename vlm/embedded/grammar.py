"""The grammar of an answer, over token ids: with it every answer parses, because nothing else can be written.

    answer := object+ END      object := <obj> statement ( <box> cell x y width height </box> )? </obj>

A statement comes from the statement book; a lesion has exactly one box, anything else none; no cell is drawn twice or
beside a drawn one, a plain statement is made once, and "no nodule" never stands beside one. The grammar never chooses
what is said: it only takes away what would not be an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from grounding.codecs.cells import GRID, OFFSETS, SIZES, place_vocabulary
from vlm.embedded.statements import TAUGHT_NOW, Shows, statement_book
from vlm.embedded.tokens import BOX, DRAFT, END_BOX, END_OBJ, EOS, OBJ, SPECIAL

MOST_BOXES = 8
MOST_PLAIN = 6  # plain statements; with eight lesions an answer stays under 330 tokens
PLACE_PARTS = ("cell", "x", "y", "width", "height")


@dataclass(slots=True)
class _Said:
    """What a prefix has said so far (built anew for each prefix, so mutable while it is built)."""

    finished: list[Shows] = field(default_factory=list)
    plain: set[tuple[int, ...]] = field(default_factory=set)
    cells: set[int] = field(default_factory=set)
    statement: tuple[int, ...] = ()
    place: tuple[int, ...] = ()
    where: str = "between"  # between, statement, place, close_box, close_object, end


class CellGrammar:
    """Which token ids may follow a prefix of an answer."""

    def __init__(self, tokenizer: Any, *, prompt: str = TAUGHT_NOW) -> None:  # noqa: ANN401 - a transformers tokenizer
        """Spell the statement book of a prompt and the place tokens in a tokenizer's ids.

        Raises:
            ValueError: the tokenizer lacks a token of the grammar.
        """
        ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL}
        missing = [token for token, number in ids.items() if number is None or number == tokenizer.unk_token_id]
        if missing:
            msg = f"this tokenizer cannot spell places: it lacks {missing[:3]}; use the embedded model's own"
            raise ValueError(msg)
        self._ids = ids
        self._book = {
            tuple(tokenizer(one.text, add_special_tokens=False).input_ids): one.shows for one in statement_book(prompt)
        }
        self._opening = {shows: _prefixes(self._book, shows) for shows in Shows}
        places = [ids[token] for token in place_vocabulary()]
        sizes = (GRID * GRID, OFFSETS, OFFSETS, SIZES, SIZES)
        starts = [sum(sizes[:index]) for index in range(len(sizes))]
        self._places = [places[start : start + size] for start, size in zip(starts, sizes, strict=True)]

    def allowed(self, prefix_ids: Sequence[int]) -> list[int]:
        """Ids that may come next, at least one.

        Args:
            prefix_ids: the answer so far; what stands before and with `<draft>` is passed over.
        """
        ids = [int(number) for number in prefix_ids]
        if self._ids[DRAFT] in ids:
            ids = ids[len(ids) - ids[::-1].index(self._ids[DRAFT]) :]
        said = _Said()
        for number in ids:
            self._read(said, number)
        return self._choices(said)

    def _read(self, said: _Said, number: int) -> None:
        if said.where == "between":
            said.where = "statement" if number == self._ids[OBJ] else "end"
            said.statement = ()
        elif said.where == "statement":
            self._read_statement(said, number)
        elif said.where == "place":
            said.place = (*said.place, number)
            if len(said.place) == len(PLACE_PARTS):
                said.cells.add(said.place[0])
                said.where = "close_box"
        elif said.where == "close_box":
            said.where = "close_object"
        elif said.where == "close_object":
            said.where = "between"

    def _read_statement(self, said: _Said, number: int) -> None:
        if number in (self._ids[BOX], self._ids[END_OBJ]):
            said.finished.append(self._book[said.statement])
            boxed = number == self._ids[BOX]
            said.where, said.place = ("place", ()) if boxed else ("between", ())
            if not boxed:
                said.plain.add(said.statement)
        else:
            said.statement = (*said.statement, number)

    def _choices(self, said: _Said) -> list[int]:
        if said.where == "between":
            more = [self._ids[OBJ]] if self._next_words(said, ()) else []
            return more + ([self._ids[EOS]] if said.finished else [])
        if said.where == "statement":
            return self._statement_choices(said)
        if said.where == "place":
            options = self._places[len(said.place)]
            return options if said.place else self._free_cells(said)
        return [self._ids[{"close_box": END_BOX, "close_object": END_OBJ}.get(said.where, EOS)]]

    def _free_cells(self, said: _Said) -> list[int]:
        """Cells that are neither drawn nor beside a drawn one: a lesion on an edge between two cells is one lesion."""
        cells = self._places[0]
        drawn = [divmod(cells.index(number), GRID) for number in said.cells]
        spots = ((number, *divmod(index, GRID)) for index, number in enumerate(cells))
        return [
            number
            for number, row, column in spots
            if all(max(abs(row - one), abs(column - other)) > 1 for one, other in drawn)
        ]

    def _statement_choices(self, said: _Said) -> list[int]:
        words = self._next_words(said, said.statement)
        shows = self._book.get(said.statement)
        if shows is not None:
            words.append(self._ids[BOX if shows is Shows.LESION else END_OBJ])
        return words

    def _next_words(self, said: _Said, start: tuple[int, ...]) -> list[int]:
        """Tokens that continue a statement which may still be made."""
        found: set[int] = set()
        for shows in self._open(said):
            for statement in self._opening[shows].get(start, ()):
                if shows is Shows.LESION or statement not in said.plain:
                    found.add(statement[len(start)])
        return sorted(found)

    def _open(self, said: _Said) -> list[Shows]:
        """Kinds of statements that what was said still leaves open."""
        kinds = [Shows.NOTHING] if len(said.plain) < MOST_PLAIN else []
        if Shows.NORMAL not in said.finished and len(said.cells) < MOST_BOXES:
            kinds.append(Shows.LESION)
        if not said.finished:
            kinds += [Shows.NORMAL, Shows.UNPLACED]
        return kinds


def _prefixes(book: dict[tuple[int, ...], Shows], shows: Shows) -> dict[tuple[int, ...], list[tuple[int, ...]]]:
    """Every proper prefix of those statements, with the statements it opens."""
    found: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for statement in (ids for ids, kind in book.items() if kind is shows):
        for length in range(len(statement)):
            found.setdefault(statement[:length], []).append(statement)
    return found
