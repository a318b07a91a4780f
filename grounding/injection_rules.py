"""The rules of `grounding.injection`, read from data and made into patterns once.

A rule's kind says how it is looked for: `pair` (a word of `first`, then within `gap` words one of `then`, in one
sentence), `phrase`, `pattern` (a regular expression), `squeezed` (letters without any gap), `letters` (ranges of code
points), `mixed`, `styled` and `encoded` (found by code). A phrase ending in `*` is the beginning of a word. `opens`
asks that a pair begin where an order can: at a sentence's start, or behind "please", "must", "and" and their like; a
pattern asks for it by `%ORDERS%`. In a value or a header, which have no sentences, an order may begin anywhere.
Every repetition in a pattern is bounded, so that no text takes long to search.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from grounding.data import objects

START: Final = "%ORDERS%"  # stands in a pattern for `ORDERS`
ORDERS: Final = (
    r"(?:\A|[.!?:;,(\[{\"'>*\u2022\u2014-]\s*|\n\s*|\b(?:please|kindly|must|should|shall|always|only|just|now|and|then|instead|"
    r"simply|you|immediately|therefore|so|but|may|can|will|required to|asked to|instructed to|ordered to|told to|"
    r"need to|needs to|have to|has to|is to|are to)\s+)"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        rule_id: its name in the data file.
        kind: how it is looked for.
        patterns: none for kinds that code finds.
        loose: the same for fields that have no sentences, where an order may begin anywhere.
        exceptions: what in the sentence around a match makes it none.
        raw: whether it looks at the text as it stands.
        least: letters in a row, of `styled`.
    """

    rule_id: str
    kind: str
    patterns: tuple[re.Pattern[str], ...] = ()
    loose: tuple[re.Pattern[str], ...] = ()
    exceptions: tuple[re.Pattern[str], ...] = ()
    raw: bool = False
    least: int = 1


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the data file.

    Raises:
        ValueError: a rule is of no known kind, or lacks what its kind needs: mend the data file.
    """
    return tuple(_rule(rule_id, row) for rule_id, row in objects("injection.json").items())


def _rule(rule_id: str, row: dict[str, Any]) -> Rule:
    made = _PATTERNS.get(row["kind"])
    if made is None:
        msg = f"rule {rule_id!r} is of kind {row['kind']!r}, which nothing looks for: use one of {sorted(_PATTERNS)}"
        raise ValueError(msg)
    return Rule(
        rule_id,
        row["kind"],
        tuple(re.compile(pattern.replace(START, ORDERS)) for pattern in made(row)),
        tuple(re.compile(pattern.replace(START, r"(?<!\w)")) for pattern in made(row)),
        tuple(re.compile(pattern) for pattern in row.get("unless", ())),
        raw=row.get("view") == "raw" or row["kind"] == "letters",
        least=row.get("least", 1),
    )


def _pair(row: dict[str, Any]) -> list[str]:
    between = r"[^\w.!?:\n]+" if row.get("within_line") else r"[^\w.!?]+"
    start = START if row["opens"] else r"(?<!\w)"
    gap = rf"(?:{between}[\w'\u2019]+){{0,{row['gap']}}}?{between}"
    return [f"{start}(?:{_any(row['first'])}){gap}(?:{_any(row['then'])})"]


def _any(phrases: list[str]) -> str:
    return "|".join(_spelt(phrase) for phrase in sorted(phrases, key=len, reverse=True))


def _spelt(phrase: str) -> str:
    """A phrase as a pattern: any white space between words, a whole word at its end unless it is a beginning."""
    parts = r"\s+".join(re.escape(word) for word in phrase.removesuffix("*").split())
    parts = parts.replace(r"\s+:", r"\s*:")
    if phrase.endswith("*"):
        return parts + r"\w{0,20}"
    return parts if phrase.endswith(":") else parts + r"(?!\w)"


def _phrases(row: dict[str, Any]) -> list[str]:
    return [rf"(?<!\w)(?:{_any(row['phrases'])})"]


def _letters(row: dict[str, Any]) -> list[str]:
    ranges = "".join(f"{re.escape(chr(low))}-{re.escape(chr(high))}" for low, high in row["ranges"])
    return [f"[{ranges}]{{1,2000}}"]


_PATTERNS: Final[Mapping[str, Callable[[dict[str, Any]], list[str]]]] = {
    "pair": _pair,
    "phrase": _phrases,
    "pattern": lambda row: list(row["patterns"]),
    "squeezed": lambda row: ["|".join(re.escape(phrase) for phrase in row["phrases"])],
    "letters": _letters,
    "mixed": lambda _: [],
    "styled": lambda _: [],
    "encoded": lambda _: [],
}
