"""The spelling of many general models: a JSON list of statements at the end of the answer, after any reasoning.

What is read is the last list, and only when nothing stands behind it but closing fences and end tokens: words behind
the list, or a list that does not close, may hold further findings, and half an answer looks like a report with fewer
findings. Each entry is one statement: its words, and its box, a list of boxes, or null. Keys that stand twice, keys
of another spelling, numbers that are none (NaN, true, "12") and text that cannot be stored are refused, not guessed
at. An explicit empty list is refused too: "nothing found" must be a sentence.

Which numbers make a box is each codec's own.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from grounding.codecs.edges import Corners, Located
from grounding.codecs.phrase import CodecError, Phrase

MOST_CHARS: Final = 50_000  # far above any report: keeps the search for the list short
LARGEST: Final = 1_000_000  # no corner of any frame is that far out
LABEL: Final = "label"

_ENDINGS: Final = ("```", "</answer>", "</s>", "<eos>", "<end_of_turn>", "<|im_end|>", "<|endoftext|>", "<pad>")
_LIST: Final = re.compile(r"\[\s*(?=[{\]])")
_INSIDE: Final = re.compile(r'(?:"\s*:|[,\[{])\s*\Z')  # what stands before a value that lies in another one


class _UnlawfulError(Exception):
    """JSON's grammar allows it, we do not; not a ValueError, so that the parser's own faults stay apart."""


@contextmanager
def refusing(codec: str, *, raw: str) -> Iterator[None]:
    """Turn a ValueError into a CodecError that names the codec and keeps the whole answer."""
    try:
        yield
    except CodecError:
        raise
    except ValueError as fault:
        msg = f"{codec}: {fault}"
        raise CodecError(msg, raw=raw) from fault


def read_entries(text: str, *, codec: str, box_key: str, locate: Callable[[Corners], Located]) -> tuple[Phrase, ...]:
    """The phrases of an answer, at least one, in order.

    Args:
        text: the answer, special tokens kept.
        codec: name and version, for its errors.
        box_key: under which an entry keeps its box.
        locate: the box of four numbers, as they stand, and whether it was cut; a ValueError becomes a CodecError.

    Raises:
        CodecError: there is no whole list at the end of the answer, it is empty, or an entry is malformed.
    """
    with refusing(codec, raw=text):
        return tuple(_phrase(entry, box_key=box_key, locate=locate) for entry in last_list(text))


def spell_entries(phrases: Sequence[Phrase], *, box_key: str, numbers: Callable[[Any], list[int]]) -> str:
    """The answer that reads back as these phrases; `numbers` spells one box."""
    rows: list[dict[str, Any]] = []
    for phrase in phrases:
        boxes = [numbers(box) for box in phrase.boxes]
        rows.append({box_key: boxes[0] if len(boxes) == 1 else boxes or None, LABEL: phrase.text})
    return json.dumps(rows, ensure_ascii=False)


def last_list(text: str) -> list[Any]:
    r"""The JSON list with which an answer ends.

    Raises:
        ValueError: there is none, it is empty or not whole, or something stands behind it.

    >>> last_list('I see [one].\nFinal Answer: [{"label": "Nodule."}]')
    [{'label': 'Nodule.'}]
    """
    return _last_list(bare(text))[0]


def answer_start(text: str) -> int | None:
    """Where the JSON value begins that the codecs read: a whole object's or the last list's first character.

    None where there is neither; whether a codec accepts it is not asked here.

    >>> answer_start('I see [one]. [{"label": "Nodule."}]'), answer_start("prose")
    (13, None)
    """
    try:
        answer = bare(text)
        inside = answer.find("{") if answer.removeprefix("```json").lstrip("`\n ").startswith("{") else -1
        start = inside if inside >= 0 else _last_list(answer)[1]
    except ValueError:
        return None
    return start + len(text) - len(text.lstrip())


def _last_list(answer: str) -> tuple[list[Any], int]:
    """The list that ends a bare answer, and where it begins.

    Raises:
        ValueError: see `last_list`.
    """
    fault = "the answer does not end with a whole JSON list: it is truncated, prose, or words stand behind the list"
    for found in _LIST.finditer(answer):
        try:
            rows, end = _DECODER.raw_decode(answer, found.start())
        except _UnlawfulError as unlawful:
            fault = str(unlawful)
        except (ValueError, RecursionError):
            continue
        else:
            if end == len(answer) and not _INSIDE.search(answer[: found.start()]):
                return _not_empty(rows), found.start()
    raise ValueError(fault)


def bare(text: str) -> str:
    """The answer without white space, end tokens and closing fences at its end.

    Raises:
        ValueError: it is empty, or too long to be an answer.
    """
    answer = text.strip()
    while ending := next((mark for mark in _ENDINGS if answer.endswith(mark)), None):
        answer = answer.removesuffix(ending).rstrip()
    if not answer:
        msg = "the answer is empty: keep it as a failed draft, it is not a normal image"
        raise ValueError(msg)
    if len(answer) > MOST_CHARS:
        msg = f"the answer has {len(answer)} characters, over {MOST_CHARS}: lower the token limit"
        raise ValueError(msg)
    return answer


def parsed(text: str) -> Any:  # noqa: ANN401 - whatever the text holds
    """A whole JSON text, under the same rules as a list.

    Raises:
        ValueError: it is none.
    """
    try:
        value, end = _DECODER.raw_decode(text)
    except (_UnlawfulError, ValueError, RecursionError) as fault:
        msg = (
            str(fault)
            if isinstance(fault, _UnlawfulError)
            else "the answer is not whole JSON: it is truncated or prose"
        )
        raise ValueError(msg) from fault
    if text[end:].strip():
        msg = "something stands behind the JSON value: an answer is one value"
        raise ValueError(msg)
    return value


def words_of(value: object) -> str:
    r"""A statement's words on one line.

    Raises:
        ValueError: they are no text, blank, or hold what no text can (half a character, a control code).

    >>> words_of(" Nodule\n in the lung. ")
    'Nodule in the lung.'
    """
    if not isinstance(value, str) or not value.strip():
        msg = "an entry has no words: a statement must say what it shows"
        raise ValueError(msg)
    words = " ".join(value.split())
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in words):
        msg = "the words of an entry hold a control code or half a character: they cannot be stored"
        raise ValueError(msg)
    return words


def corners_of(value: object) -> Corners:
    """Four numbers.

    Raises:
        ValueError: there are more or fewer, or one is no finite number of a believable size.
    """
    if not isinstance(value, list) or len(value) != 4:
        msg = "a box is a list of four numbers: an entry's box is something else"
        raise ValueError(msg)
    for number in value:
        if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= LARGEST:
            msg = f"a corner is a finite number within {LARGEST}: an entry's is none"
            raise ValueError(msg)
    first, second, third, fourth = (float(number) for number in value)
    return first, second, third, fourth


def _phrase(entry: object, *, box_key: str, locate: Callable[[Corners], Located]) -> Phrase:
    if not isinstance(entry, dict) or not set(entry) <= {box_key, LABEL}:
        msg = f"an entry of the list is not an object of {box_key!r} and {LABEL!r} alone"
        raise ValueError(msg)
    words = words_of(entry.get(LABEL))
    found = tuple(locate(corners) for corners in _boxes(entry.get(box_key)))
    return Phrase(words, tuple(box for box, _ in found), clipped=sum(cut for _, cut in found))


def _boxes(value: object) -> list[Corners]:
    """None, one box, or several; an empty list is neither."""
    if value is None:
        return []
    several = isinstance(value, list) and bool(value) and all(isinstance(one, list) for one in value)
    return [corners_of(one) for one in (value if several and isinstance(value, list) else [value])]


def _not_empty(rows: list[Any]) -> list[Any]:
    if not rows:
        msg = 'the list is empty: "nothing found" must be a sentence, so this is a failed draft'
        raise ValueError(msg)
    return rows


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entry = dict(pairs)
    if len(entry) != len(pairs):
        msg = "a key stands twice in one object: two entries ran into one"
        raise _UnlawfulError(msg)
    return entry


def _no_constant(name: str) -> float:
    msg = f"{name} is no number of JSON: a corner is a finite number"
    raise _UnlawfulError(msg)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
