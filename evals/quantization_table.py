"""The comparison of quantizations in Markdown: one table of figures, one of limits. Computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

EMPTY = "not measured"
NONE = "–"  # a figure without a denominator
MIB = 2**20
# Of a pair: words, and the path to the figure.
PAIR_LINES = (
    ("cases with any change of findings", ("findings", "cases_with_any_change")),
    ("cases with presence or side changed", ("findings", "cases_with_polarity_or_side_changed")),
    ("cases with progression changed", ("findings", "cases_with_progression_changed")),
    ("box IoU, mean", ("boxes", "iou_mean")),
    ("boxes with IoU under 0.5", ("boxes", "iou_below_half")),
    ("sensitivity, difference", ("localization_change", "sensitivity")),
    ("false boxes per image, difference", ("localization_change", "false_boxes_per_image")),
    ("deviation, difference, px of 1024", ("localization_change", "deviation_px_1024")),
    ("box score, mean absolute change", ("confidence", "box_score_change")),
    ("answer log-probability, mean absolute change", ("confidence", "answer_log_probability_change")),
    ("newly failed drafts", ("failed", "newly_failed")),
    ("second looks triggered otherwise", ("triggers", "changed")),
    ("seconds per draft, ratio", ("seconds_ratio",)),
)
COUNTS = (("sentences gained", "gained"), ("sentences lost", "lost"))
FACTS = ("polarity", "laterality", "progression", "location")


def markdown(result: Mapping[str, Any]) -> str:
    """The whole result of `evals.quantization_run.compare`, with what the command adds."""
    head = (
        f"Model {result['model_id']}, {result['n_cases']} cases ({result['cases']}), seed {result['seed']}, "
        f"{result['date']}. Command: `{result['command']}`. Each figure: value (95 % interval), n; differences are "
        f"quantized less {result['whole']}."
    )
    parts = [head, _models(result), _pairs(result), *(_verdict(name, pair) for name, pair in result["pairs"].items())]
    return "\n\n".join(parts) + "\n"


def _models(result: Mapping[str, Any]) -> str:
    rows = [
        [
            "weights",
            "sensitivity",
            "false boxes per image",
            "deviation, mean px",
            "s per draft",
            "held, MiB",
            "saved, MiB",
        ]
    ]
    for name, model in result["models"].items():
        drafted = model["localization"]["as_drafted"]
        rows.append(
            [
                name,
                words(drafted["sensitivity"]),
                words(drafted["false_boxes_per_image"]),
                words(drafted["deviation_px_1024"]["mean"]),
                words(model["seconds_per_draft"]["median"]),
                f"{model['memory_bytes'] / MIB:.2f} (state {model['quant_state_bytes'] / MIB:.2f})",
                f"{model['saved_bytes'] / MIB:.2f}",
            ]
        )
    return _table(rows)


def _pairs(result: Mapping[str, Any]) -> str:
    pairs = result["pairs"]
    rows = [[f"beside {result['whole']}", *pairs]]
    for line, path in PAIR_LINES:
        rows.append([line, *(words(_at(pair["figures"], path)) for pair in pairs.values())])
    for line, key in (*COUNTS, *((f"sentences with {fact} changed", f"{fact}_changed") for fact in FACTS)):
        rows.append([line, *(_of_sentences(pair["figures"]["findings"], key) for pair in pairs.values())])
    rows.append(["verdict of the gate", *(f"**{pair['verdict']}**" for pair in pairs.values())])
    return _table(rows)


def _verdict(name: str, pair: Mapping[str, Any]) -> str:
    rows = [["limit", "value", "held against the limit", "n", "verdict"]]
    for one in pair["limits"]:
        n = NONE if one["n"] is None else str(one["n"])
        numbers = (_number(one["value"]), _number(one["held_against_limit"]), n)
        rows.append([one["rule"], *numbers, one["verdict"]])
    return f"### Gate, {name}: {pair['verdict']}\n\n{_table(rows)}"


def words(figure: Mapping[str, Any]) -> str:
    """A figure as value (low to high), n.

    >>> words({"value": 0.5, "ci95": [0.25, 0.75], "n": 8})
    '0.5 (0.25 to 0.75), n 8'
    >>> words({"value": None, "ci95": None, "n": 0})
    'not measured'
    """
    if figure["value"] is None:
        return EMPTY
    of = f"{figure['count']}/{figure['n']}" if "count" in figure else f"n {figure['n']}"
    interval = figure["ci95"]
    spread = "" if interval is None else f" ({_number(interval[0])} to {_number(interval[1])})"
    return f"{_number(figure['value'])}{spread}, {of}"


def _at(figures: Mapping[str, Any], path: Sequence[str]) -> Mapping[str, Any]:
    found: Any = figures
    for key in path:
        found = found[key]
    named: Mapping[str, Any] = found
    return named


def _of_sentences(findings: Mapping[str, Any], key: str) -> str:
    return f"{findings[key]} (of {findings['sentences']} sentences)"


def _number(value: float | None) -> str:
    return EMPTY if value is None else f"{value:.3g}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])
