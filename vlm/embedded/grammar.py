"""The grammar of an answer, over token ids: with it every answer parses, because nothing else can be written.

    answer := object+ END      object := <obj> words ( <box> cell x y width height </box> )? </obj>

Words are bounded in length, objects and boxes in number, a cell may be drawn once, and the same statement may not be
made twice. The grammar never chooses what is said: it only takes away what would not be an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from grounding.codecs.cells import GRID, OFFSETS, SIZES, place_vocabulary
from vlm.embedded.tokens import BOX, DRAFT, END_BOX, END_OBJ, EOS, OBJ, SPECIAL

MOST_WORDS = 48  # tokens of one statement
MOST_OBJECTS = 12
MOST_BOXES = 8


@dataclass(slots=True)
class _State:
    """Where in the grammar a prefix stands (built anew for each prefix, so mutable while it is built)."""

    place: str = "between"  # between, words, cell, x, y, width, height, close_box, close_object, end
    words: int = 0
    objects: int = 0
    cells: set[int] = field(default_factory=set)
    statement: list[int] = field(default_factory=list)
    statements: set[tuple[int, ...]] = field(default_factory=set)


class CellGrammar:
    """Which token ids may follow a prefix of an answer."""

    def __init__(self, tokenizer: Any) -> None:  # noqa: ANN401 - a transformers tokenizer
        """Look the grammar's tokens up in a tokenizer.

        Raises:
            ValueError: the tokenizer lacks one of them.
        """
        ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL}
        missing = [token for token, number in ids.items() if number is None or number == tokenizer.unk_token_id]
        if missing:
            msg = f"this tokenizer cannot spell places: it lacks {missing[:3]}; use the embedded model's own"
            raise ValueError(msg)
        self._ids = ids
        self._draft = ids[DRAFT]
        special = set(ids.values())
        self._words = [number for number in range(len(tokenizer)) if number not in special]
        places = [ids[token] for token in place_vocabulary()]
        sizes = (GRID * GRID, OFFSETS, OFFSETS, SIZES, SIZES)
        starts = [sum(sizes[:index]) for index in range(5)]
        names = ("cell", "x", "y", "width", "height")
        self._places = {
            name: places[start : start + size] for name, start, size in zip(names, starts, sizes, strict=True)
        }
        self._next = dict(zip(names, (*names[1:], "close_box"), strict=True))

    def allowed(self, prefix_ids: Sequence[int]) -> list[int]:
        """Ids that may come next, at least one.

        Args:
            prefix_ids: the answer so far; what stands before and with `<draft>` is passed over.
        """
        ids = [int(number) for number in prefix_ids]
        if self._draft in ids:
            ids = ids[len(ids) - ids[::-1].index(self._draft) :]
        state = _State()
        for number in ids:
            self._step(state, number)
        return self._choices(state)

    def _step(self, state: _State, number: int) -> None:
        if state.place == "between":
            state.place = "words" if number == self._ids[OBJ] else "end"
            state.words, state.statement = 0, []
            state.objects += state.place == "words"
        elif state.place == "words":
            self._step_words(state, number)
        elif state.place in self._next:
            if state.place == "cell":
                state.cells.add(number)
            state.place = self._next[state.place]
        elif state.place == "close_box":
            state.place = "close_object"
        elif state.place == "close_object":
            state.place = "between"

    def _step_words(self, state: _State, number: int) -> None:
        if number == self._ids[BOX]:
            state.place = "cell"
        elif number == self._ids[END_OBJ]:
            state.place = "between"
            state.statements.add(tuple(state.statement))
        else:
            state.words += 1
            state.statement.append(number)

    def _choices(self, state: _State) -> list[int]:
        if state.place == "words":
            return self._after_words(state)
        if state.place == "between":
            first = state.objects == 0
            full = state.objects >= MOST_OBJECTS
            return ([] if full else [self._ids[OBJ]]) + ([] if first else [self._ids[EOS]])
        if state.place in self._places:
            options = self._places[state.place]
            return [n for n in options if n not in state.cells] if state.place == "cell" else options
        closing = {"close_box": END_BOX, "close_object": END_OBJ}
        return [self._ids[closing.get(state.place, EOS)]]

    def _after_words(self, state: _State) -> list[int]:
        ends: list[int] = []
        if state.words and len(state.cells) < MOST_BOXES:
            ends.append(self._ids[BOX])
        if state.words and tuple(state.statement) not in state.statements:
            ends.append(self._ids[END_OBJ])
        if state.words >= MOST_WORDS and ends:
            return ends
        return ends + self._words
