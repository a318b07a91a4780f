"""The pilot's figures, read from the ledger by one SQL file each, with their definitions in words.

`evals/sql/NAME.sql` opens with a comment: the definition that every page and every `--json` shows beside the number, so
that what is counted and what is said about it stand in one place. Rates have Wilson intervals; medians and ratios the
bootstrap of whole patients. Not here: thresholds and targets, or writing anything to the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

import numpy as np

from evals.bootstrap import cluster_ci95, median, ratio
from evals.rate import UNMEASURED, Figure, Rate

SQL_FOLDER = Path(__file__).parent / "sql"
SEED = 20250101  # of the bootstrap, so that the same ledger shows the same interval
SHARE, SECONDS, RATIO = "share", "seconds", "ratio"


class Readable(Protocol):
    """Something that answers read-only SQL: `cases.store.Store`."""

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """The rows of one SELECT."""
        ...


@dataclass(frozen=True, slots=True)
class Kpi:
    """One figure with what it means.

    Attributes:
        name: as in JSON. title: as on a page.
        figure: value, interval, denominator.
        count: numerator of a share, None for a median or ratio.
        unit: "share", "seconds" or "ratio".
        definition: in words, from the SQL file.
        findings: the same by finding, where the figure is counted by finding.
    """

    name: str
    title: str
    figure: Figure
    unit: str
    definition: str
    count: int | None = None
    findings: tuple[tuple[str, Rate], ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The figure's shape (value, ci95, n) with count, unit and definition."""
        told: dict[str, object] = {
            **self.figure.as_dict(),
            "count": self.count,
            "unit": self.unit,
            "definition": self.definition,
        }
        if self.findings:
            told["by_finding"] = {finding: rate.as_dict() for finding, rate in self.findings}
        return told


@dataclass(frozen=True, slots=True)
class Apart:
    """What is in no rate, counted in the open; the last are signed, and in the rates by their first signature."""

    waiting: int
    out_of_scope: int
    signed_without_draft: int
    waiting_for_second_read: int


@dataclass(frozen=True, slots=True)
class PilotKpis:
    """All figures of a store at one moment."""

    override: Kpi
    not_usable_as_drafted: Kpi
    turnaround_s: Kpi
    reading_time_s: Kpi
    discordance: Kpi
    review_burden: Kpi
    failed: Kpi
    abandoned: Kpi
    secondary_review: Kpi
    apart: Apart

    @property
    def figures(self) -> tuple[Kpi, ...]:
        """In the order of a page."""
        return tuple(kpi for field in fields(self) if isinstance(kpi := getattr(self, field.name), Kpi))

    def as_dict(self) -> dict[str, object]:
        """Name to figure, and `apart` with plain counts."""
        counts = {field.name: getattr(self.apart, field.name) for field in fields(self.apart)}
        return {**{kpi.name: kpi.as_dict() for kpi in self.figures}, "apart": counts}


def pilot_kpis(store: Readable) -> PilotKpis:
    """Every figure of the store, now."""
    apart = Apart(*(_whole(value) for value in store.rows(_sql("apart"), ())[0]))
    return PilotKpis(
        override=_share(store, "override", "Override rate"),
        not_usable_as_drafted=_share(store, "not_usable_as_drafted", "Not usable as drafted"),
        turnaround_s=_median(store, "turnaround_s", "Turnaround, median"),
        reading_time_s=_median(store, "reading_time_s", "Reading time, median"),
        discordance=_by_finding(store, "discordance", "AI against final, per finding"),
        review_burden=_ratio(store, "review_burden", "Edits per accepted sentence"),
        failed=_share(store, "failed", "Failed drafts"),
        abandoned=_share(store, "abandoned", "Abandoned reviews"),
        secondary_review=_share(store, "secondary_review", "Second reader asked for"),
        apart=apart,
    )


def definition(name: str) -> str:
    """The words of a figure: the leading comment of its SQL file, as one line."""
    lines = []
    for line in _sql(name).splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines)


def _sql(name: str) -> str:
    return (SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def _share(store: Readable, name: str, title: str) -> Kpi:
    count, total = (_whole(value) for value in store.rows(_sql(name), ())[0])
    return Kpi(name, title, Rate(count, total).figure, SHARE, definition(name), count=count)


def _by_finding(store: Readable, name: str, title: str) -> Kpi:
    counted = [(str(finding), Rate(_whole(n), _whole(of))) for finding, n, of in store.rows(_sql(name), ())]
    whole = Rate(sum(rate.count for _, rate in counted), sum(rate.total for _, rate in counted))
    return Kpi(name, title, whole.figure, SHARE, definition(name), count=whole.count, findings=tuple(counted))


def _median(store: Readable, name: str, title: str) -> Kpi:
    measured = [(_number(value), str(cluster)) for value, cluster in store.rows(_sql(name), ())]
    figure = UNMEASURED
    if measured:
        values = np.array([value for value, _ in measured])
        interval = cluster_ci95([cluster for _, cluster in measured], median(values), seed=SEED)
        figure = Figure(float(np.median(values)), interval, len(measured))
    return Kpi(name, title, figure, SECONDS, definition(name))


def _ratio(store: Readable, name: str, title: str) -> Kpi:
    measured = [(_number(over), _number(under), str(cluster)) for over, under, cluster in store.rows(_sql(name), ())]
    over, under = (np.array([item[place] for item in measured], dtype=np.float64) for place in (0, 1))
    figure = UNMEASURED
    if under.sum():
        interval = cluster_ci95([cluster for *_, cluster in measured], ratio(over, under), seed=SEED)
        figure = Figure(float(over.sum() / under.sum()), interval, int(under.sum()))
    return Kpi(name, title, figure, RATIO, definition(name))


def _whole(value: object) -> int:
    if not isinstance(value, int):
        msg = f"a KPI's SQL counts in whole numbers, got {type(value).__name__}"
        raise TypeError(msg)
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        msg = f"a KPI's SQL measures in numbers, got {type(value).__name__}"
        raise TypeError(msg)
    return float(value)
