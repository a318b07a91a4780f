"""The release gate of a quantized model: written limits, and a verdict for each and for all.

A limit on a figure with an interval is held against the interval's bound on the side of harm. Pass: the bound keeps the
limit, on at least so many cases. Fail: the value itself breaks it. Otherwise the evidence is insufficient: more cases
may still show either. A figure that was not measured is insufficient evidence, never a pass.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

GATE_FILE = Path(__file__).with_name("data") / "quantization_gate.json"


class Verdict(StrEnum):
    """What the gate says."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    INSUFFICIENT = "insufficient evidence"


class Bound(StrEnum):
    """Which number of a figure a limit is held against."""

    VALUE = "value"
    LOW = "low"
    HIGH = "high"


class GateError(ValueError):
    """A gate file that states no usable limits."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit.

    Attributes:
        id: short name.
        figure: path of keys to the figure in what `evals.quantization.pair_figures` gives.
        bound: "value", or the interval's "low" or "high" end.
        rule: the limit in words.
        at_most, at_least: the limit itself, exactly one of them.
        least_n: smallest denominator that counts as evidence.
    """

    id: str
    figure: tuple[str, ...]
    bound: Bound
    rule: str
    at_most: float | None = None
    at_least: float | None = None
    least_n: int = 0

    def __post_init__(self) -> None:
        """Refuse a limit with two ends or none, and one without words."""
        if (self.at_most is None) == (self.at_least is None) or not self.rule:
            msg = f"limit {self.id!r} has exactly one of at_most and at_least, and a rule in words"
            raise GateError(msg)

    def kept_by(self, number: float) -> bool:
        """Whether a number keeps the limit.

        >>> Limit("x", ("x",), Bound.VALUE, "at most a half", at_most=0.5).kept_by(0.5)
        True
        """
        if self.at_most is not None:
            return number <= self.at_most
        return self.at_least is not None and number >= self.at_least


@dataclass(frozen=True, slots=True)
class Gate:
    """All limits, with the version and the hash of the file that states them."""

    version: str
    sha256: str
    limits: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """One limit, judged.

    Attributes:
        verdict: of this limit.
        value: of the figure; None where it was not measured.
        held: the number that was held against the limit (the bound); None where there is none.
        n: the figure's denominator; None where it has none.
    """

    limit: Limit
    verdict: Verdict
    value: float | None
    held: float | None
    n: int | None

    def as_dict(self) -> dict[str, object]:
        """The shape that `--json` prints and a site keeps."""
        named = {name: value for name, value in asdict(self.limit).items() if value is not None}
        return {
            **named,
            "bound": self.limit.bound.value,
            "figure": ".".join(self.limit.figure),
            "verdict": self.verdict.value,
            "value": self.value,
            "held_against_limit": self.held,
            "n": self.n,
        }


def read_gate(path: Path = GATE_FILE) -> Gate:
    """The limits of a gate file.

    Raises:
        GateError: it is not readable, or a limit in it is none.
    """
    try:
        content = path.read_bytes()
        fields = json.loads(content)
        limits = tuple(_limit(given) for given in fields["limits"])
        version = str(fields["version"])
    except (OSError, ValueError, KeyError, TypeError) as fault:
        if isinstance(fault, GateError):
            raise
        msg = f"{path} states no limits ({type(fault).__name__}): restore it from the project"
        raise GateError(msg) from fault
    if not limits or len({limit.id for limit in limits}) != len(limits):
        msg = f"{path} states limits, each under a name of its own: restore it from the project"
        raise GateError(msg)
    return Gate(version, hashlib.sha256(content).hexdigest(), limits)


def _limit(given: Mapping[str, Any]) -> Limit:
    return Limit(**{**given, "figure": tuple(given["figure"]), "bound": Bound(given["bound"])})


def judge(gate: Gate, figures: Mapping[str, Any]) -> tuple[Judged, ...]:
    """Every limit held against a pair's figures.

    Raises:
        GateError: a limit names a figure that is not there.
    """
    return tuple(_judged(limit, _figure(limit, figures)) for limit in gate.limits)


def overall(judged: Sequence[Judged]) -> Verdict:
    """Fail where any limit fails, else insufficient where any evidence is, else pass."""
    verdicts = {one.verdict for one in judged}
    return next((v for v in (Verdict.FAIL, Verdict.INSUFFICIENT) if v in verdicts), Verdict.PASS)


def _figure(limit: Limit, figures: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a figure's dict or a number
    found: Any = figures
    for key in limit.figure:
        if not isinstance(found, Mapping) or key not in found:
            msg = f"limit {limit.id!r} names the figure {'.'.join(limit.figure)}, which is not measured: mend the gate"
            raise GateError(msg)
        found = found[key]
    return found


def _judged(limit: Limit, figure: Any) -> Judged:  # noqa: ANN401 - a figure's dict or a number
    if not isinstance(figure, Mapping):
        return _by_value(limit, figure, held=figure, n=None)
    value, interval, n = figure["value"], figure["ci95"], figure["n"]
    if limit.bound is Bound.VALUE:
        return _by_value(limit, value, held=value, n=n)
    held = None if interval is None else interval[0 if limit.bound is Bound.LOW else 1]
    return _by_value(limit, value, held=held, n=n)


def _by_value(limit: Limit, value: float | None, *, held: float | None, n: int | None) -> Judged:
    """The three-way verdict: the value breaks the limit, the bound keeps it on enough cases, or neither is shown."""
    enough = n is None or n >= limit.least_n
    if value is not None and not limit.kept_by(value) and enough:
        verdict = Verdict.FAIL
    elif held is not None and limit.kept_by(held) and enough:
        verdict = Verdict.PASS
    else:
        verdict = Verdict.INSUFFICIENT
    return Judged(limit, verdict, value, held, n)
