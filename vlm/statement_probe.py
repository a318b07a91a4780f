"""How probable a model with a closed book of statements finds one stand against all others, at one place of its answer.

The shortest beginnings, in words, that tell stands apart are scored, not the whole statements: "<obj>Nodule in the
right" holds every zone and comparison of it. Ending the answer instead of making a statement counts among the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from grounding.stance import Stance, stance_of
from vlm.model_spec import ModelSpec
from vlm.score import openings

FLOOR = -60.0  # log of a probability that no float32 softmax tells from nothing


@dataclass(frozen=True, slots=True)
class Beginning:
    """Words that a statement begins with, and the stand of every statement that begins so; None for none."""

    text: str
    stance: Stance | None


@cache
def beginnings(spec: ModelSpec) -> tuple[Beginning, ...]:
    """The beginnings of a model's statements; empty for a model whose words are not a closed book."""
    return shortest(one.text for one in openings(spec))


def shortest(statements: Iterable[str]) -> tuple[Beginning, ...]:
    """The shortest beginnings, in words, under which all statements take one stand.

    >>> [one.text for one in shortest(["Nodule in the left lung.", "Nodule in the left apex.", "No nodule."])]
    ['Nodule', 'No']
    """
    return tuple(_split([(tuple(text.split(" ")), stance_of(text)) for text in statements], 1))


def _split(spelt: Sequence[tuple[tuple[str, ...], Stance | None]], words: int) -> list[Beginning]:
    groups: dict[tuple[str, ...], list[tuple[tuple[str, ...], Stance | None]]] = {}
    for parts, stance in spelt:
        groups.setdefault(parts[:words], []).append((parts, stance))
    found: list[Beginning] = []
    for start, group in groups.items():
        if len({stance for _, stance in group}) == 1 or all(len(parts) <= words for parts, _ in group):
            found.append(Beginning(" ".join(start), group[0][1]))
        else:
            found += _split(group, words + 1)
    return found


def log_odds(stance: Stance, totals: Sequence[float], *, spec: ModelSpec, opened: float) -> float | None:
    """Log-odds of the stand against all that the model could say, or leave unsaid, there.

    Args:
        stance: of the drafted sentence.
        totals: natural log of the probability of each of `beginnings(spec)`, opening mark and all.
        spec: of the model.
        opened: natural log of the probability that any statement is made there.

    Returns:
        None where the model has no statement of that stand.
    """
    ways = beginnings(spec)
    same = [total for one, total in zip(ways, totals, strict=True) if one.stance == stance]
    if not same:
        return None
    others = [total for one, total in zip(ways, totals, strict=True) if one.stance != stance]
    unsaid = math.log(max(-math.expm1(min(opened, 0.0)), math.exp(FLOOR)))
    return max(_summed(same), FLOOR) - max(_summed([*others, unsaid]), FLOOR)


def _summed(logs: Sequence[float]) -> float:
    return float(np.logaddexp.reduce(logs))


__all__ = ["Beginning", "beginnings", "log_odds", "shortest"]
