"""Which input drove a sentence: exact Shapley values of a sentence's log-probability over the inputs that are present.

A coalition is a set of inputs that the model is given; its value is the log-probability (natural log, nats) of the
sentence's words from these inputs alone. The Shapley value of an input is what it adds, averaged over every order in
which the inputs could have come; the values sum to what all inputs add together. Leave-one-out stands beside it: what
is lost when that one input alone is removed. Both say what the model leaned on, not what is true.

Not here: how a coalition is asked about (`vlm.coalitions`).

Source: Shapley LS, A value for n-person games, in Contributions to the Theory of Games II, 1953, 307-317.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

EFFICIENCY = 1e-3  # nats: the values sum to full - empty at least that exactly


class EvidenceInput(StrEnum):
    """An input as evidence counts it: the prior notes are two, and the indication belongs to the clinical ones."""

    CURRENT_IMAGE = "current_image"
    PRIOR_IMAGE = "prior_image"
    PRIOR_REPORT = "prior_report"  # notes of the kind "report"
    CLINICAL_NOTES = "clinical_notes"  # all other notes, and the indication
    STRUCTURED_VALUES = "structured_values"  # observations


Coalition = frozenset[EvidenceInput]


@dataclass(frozen=True, slots=True)
class Attribution:
    """What each present input gave to one sentence, in nats.

    Attributes:
        inputs: the present ones, in the order of `EvidenceInput`; empty where there is none to remove.
        shapley: of each input, its Shapley value.
        without: of each input, what the sentence loses when it alone is removed: full less the value without it.
        full, empty: the sentence's log-probability from all present inputs, and from none of them.
        coalitions: how many sets of inputs were asked about.
    """

    inputs: tuple[EvidenceInput, ...]
    shapley: tuple[float, ...]
    without: tuple[float, ...]
    full: float
    empty: float
    coalitions: int

    def __post_init__(self) -> None:
        """Refuse values that are none, values of no input, and values that do not sum to what all inputs add."""
        if self.inputs != tuple(name for name in EvidenceInput if name in self.inputs):
            msg = f"inputs stand once each, in the order of EvidenceInput: {self.inputs}"
            raise ValueError(msg)
        if not len(self.inputs) == len(self.shapley) == len(self.without):
            counts = (len(self.inputs), len(self.shapley), len(self.without))
            msg = f"one Shapley value and one leave-one-out an input: {counts}"
            raise ValueError(msg)
        if not all(map(math.isfinite, (*self.shapley, *self.without, self.full, self.empty))):
            msg = f"an attribution is finite, or None where not measured: {self}"
            raise ValueError(msg)
        if self.coalitions != 2 ** len(self.inputs):
            msg = f"{len(self.inputs)} inputs have {2 ** len(self.inputs)} coalitions, not {self.coalitions}: ask all"
            raise ValueError(msg)
        if not abs(self.residual) <= EFFICIENCY:
            msg = f"Shapley values sum to full - empty within {EFFICIENCY} nats: off by {self.residual}"
            raise ValueError(msg)

    @property
    def residual(self) -> float:
        """What the values leave unexplained of full less empty, nats; nought but for rounding."""
        return math.fsum((self.full, -self.empty, *(-value for value in self.shapley)))

    @property
    def top(self) -> EvidenceInput | None:
        """The input that gave most; None where no input made the sentence likelier."""
        best = max(self.shapley, default=0.0)
        return self.inputs[self.shapley.index(best)] if best > 0.0 else None

    @property
    def most_needed(self) -> EvidenceInput | None:
        """The input whose removal costs most; None where no removal makes the sentence less likely."""
        most = max(self.without, default=0.0)
        return self.inputs[self.without.index(most)] if most > 0.0 else None


def coalitions(inputs: Iterable[EvidenceInput]) -> tuple[Coalition, ...]:
    """Every set of these inputs, the empty one first and all of them last.

    >>> [sorted(one) for one in coalitions((EvidenceInput.PRIOR_IMAGE,))]
    [[], [<EvidenceInput.PRIOR_IMAGE: 'prior_image'>]]
    """
    present = in_order(inputs)
    return tuple(frozenset(chosen) for size in range(len(present) + 1) for chosen in combinations(present, size))


def in_order(inputs: Iterable[EvidenceInput]) -> tuple[EvidenceInput, ...]:
    """Each of these inputs once, in the order of `EvidenceInput`."""
    given = frozenset(inputs)
    return tuple(name for name in EvidenceInput if name in given)


def shapley(inputs: Iterable[EvidenceInput], values: Mapping[Coalition, float]) -> Attribution:
    """The attribution of a sentence from the value of every coalition.

    Args:
        inputs: that are present, in any order.
        values: of each of their 2^k sets, the sentence's log-probability in nats; no other set.

    Raises:
        ValueError: a coalition is missing or of other inputs, or a value is not finite.

    >>> image, note = EvidenceInput.CURRENT_IMAGE, EvidenceInput.CLINICAL_NOTES
    >>> told = {frozenset(): -9.0, frozenset({image}): -3.0, frozenset({note}): -7.0, frozenset({image, note}): -1.0}
    >>> shapley((image, note), told).shapley
    (6.0, 2.0)
    """
    present = in_order(inputs)
    _refuse_others(present, values)
    everything = frozenset(present)
    full = float(values[everything])
    return Attribution(
        inputs=present,
        shapley=tuple(_value(player, present, values) for player in present),
        without=tuple(full - float(values[everything - {player}]) for player in present),
        full=full,
        empty=float(values[frozenset()]),
        coalitions=len(values),
    )


def _refuse_others(present: tuple[EvidenceInput, ...], values: Mapping[Coalition, float]) -> None:
    wanted = set(coalitions(present))
    if set(values) != wanted:
        missing, other = len(wanted - set(values)), len(set(values) - wanted)
        msg = f"{len(present)} inputs have {len(wanted)} coalitions: {missing} are missing, {other} are of other inputs"
        raise ValueError(msg)
    if not all(map(math.isfinite, values.values())):
        msg = "a coalition's value is finite: leave the sentence unmeasured where the model gives no such number"
        raise ValueError(msg)


def _value(player: EvidenceInput, present: tuple[EvidenceInput, ...], values: Mapping[Coalition, float]) -> float:
    """What the player adds to each set of the others, weighted by the share of orders in which it meets that set."""
    others, count = [one for one in present if one is not player], len(present)
    return math.fsum(
        (float(values[before | {player}]) - float(values[before])) / (count * math.comb(count - 1, len(before)))
        for before in coalitions(others)
    )
