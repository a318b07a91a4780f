"""Figures of a quantized model beside its whole twin, on drafts written by hand; and the gate, on made-up figures."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cases.draft import FailureKind
from evals.outcome import outcome_of
from evals.quantization import Drafted, Memory, own_figures, pair_figures, paired_difference
from evals.quantization_gate import (
    GATE_FILE,
    Bound,
    Gate,
    GateError,
    Limit,
    Verdict,
    judge,
    overall,
    read_gate,
)
from evals.quantization_run import compare
from evals.quantization_table import markdown
from evals.rate import Rate
from evals.trial import Lesion
from grounding.box import Box
from grounding.report import GroundedSentence, Laterality

WHOLE_MEMORY = Memory(1000, 0, 1000, 0)
SMALL_MEMORY = Memory(600, 20, 610, 24)
LESION = Box(0.2, 0.2, 0.4, 0.4)


def drafted(make, name, drafts, *, memory=SMALL_MEMORY, seconds=None, log_probabilities=None):
    """One patient a case, each with the one lesion."""
    named = [replace(draft, case_id=f"c{index}") for index, draft in enumerate(drafts)]
    trials = [make.trial(Lesion(LESION, "moderate"), patient=f"p{index}") for index in range(len(drafts))]
    outcomes = [outcome_of(trial, draft) for trial, draft in zip(trials, named, strict=True)]
    columns = (seconds or (1.0,) * len(drafts), log_probabilities or (None,) * len(drafts))
    return Drafted(name, tuple(named), tuple(outcomes), *map(tuple, columns), memory)


@pytest.fixture
def four(make):
    """Whole and quantized: the same; a lost lesion; a flipped side; a failure."""
    hit, clear = make.boxed(LESION, scores=(0.8,)), make.drafted()
    left, right = (
        make.drafted(GroundedSentence("Effusion.", finding="effusion", laterality=side))
        for side in (Laterality.LEFT, Laterality.RIGHT)
    )
    moved = make.boxed(Box(0.25, 0.2, 0.45, 0.4), scores=(0.6,))  # 0.15 of 0.25 wide: IoU 0.6, the centre still inside
    whole = drafted(
        make, "float32", [hit, hit, left, clear], memory=WHOLE_MEMORY, log_probabilities=(-1.0, -1.0, None, -2.0)
    )
    quantized = drafted(
        make,
        "nf4",
        [moved, clear, right, make.failed(FailureKind.PARSE)],
        seconds=(2.0, 2.0, 2.0, 4.0),
        log_probabilities=(-1.5, -1.25, -1.0, None),
    )
    return whole, quantized


def test_figures_of_a_pair_by_hand(four):
    found = pair_figures(*four, seed=0)
    findings, boxes = found["findings"], found["boxes"]
    assert (findings["sentences"], findings["gained"], findings["lost"]) == (3, 1, 1)  # the failed pair is left out
    assert findings["laterality_changed"] == 1
    assert findings["cases_with_any_change"]["value"] == 0.75
    assert findings["cases_with_polarity_or_side_changed"]["count"] == 1
    assert (boxes["matched"], boxes["lost"], boxes["gained"]) == (1, 1, 0)
    assert boxes["iou_mean"]["value"] == pytest.approx(0.6)
    assert boxes["iou_below_half"]["value"] == 0.0
    assert found["confidence"]["box_score_change"]["value"] == pytest.approx(0.2)
    assert found["confidence"]["answer_log_probability_change"]["value"] == pytest.approx(0.375)  # of 0.5 and 0.25
    assert found["localization_change"]["sensitivity"]["value"] == -0.25  # one of four lesions
    assert found["failed"]["newly_failed"] == Rate(1, 4).as_dict()
    assert found["failed"]["whole"]["count"] == 0
    assert found["seconds_ratio"]["value"] == 2.5
    assert found["memory_ratio"] == 0.6
    assert found["triggers"]["changed"]["value"] is None
    assert "no rules for a second look" in found["triggers"]["reason"]


def test_where_nothing_differs_few_patients_still_show_little():
    """Wilson, 0 of 4: z^2 / (n + z^2) = 3.8415 / 7.8415 = 0.4899."""
    figure = paired_difference([0, 0, 0, 0], [1, 2, 1, 1], ["a", "b", "c", "d"], seed=0)
    assert figure.value == 0.0
    assert figure.ci95 == pytest.approx((-0.4899, 0.4899), abs=1e-4)
    assert figure.n == 5


def test_nothing_to_judge_is_not_measured():
    assert paired_difference([0], [0], ["a"], seed=0).value is None


def test_the_columns_of_a_model_have_one_length(make):
    with pytest.raises(ValueError, match="a case"):
        Drafted("x", (make.drafted(),), (), (), (), SMALL_MEMORY)


def test_figures_of_one_model(four):
    found = own_figures(four[0], seed=0)
    assert found["localization"]["as_drafted"]["sensitivity"]["value"] == 0.5
    assert (found["memory_bytes"], found["saved_bytes"]) == (1000, 1000)


def figure(value, low, high, n):
    return {"value": value, "ci95": None if low is None else [low, high], "n": n}


def at_most(limit, *, bound=Bound.HIGH, least_n=50):
    return Limit("x", ("share",), bound, "in words", at_most=limit, least_n=least_n)


AT_LEAST = Limit("x", ("share",), Bound.LOW, "in words", at_least=-0.05, least_n=50)

# limit, figure, verdict
VERDICTS = [
    (at_most(0.05), figure(0.01, 0.0, 0.05, 100), Verdict.PASS),  # on the limit keeps it
    (at_most(0.05), figure(0.01, 0.0, 0.051, 100), Verdict.INSUFFICIENT),  # the value keeps it, the bound does not
    (at_most(0.05), figure(0.06, 0.03, 0.1, 100), Verdict.FAIL),  # the value breaks it
    (at_most(0.05), figure(0.0, 0.0, 0.01, 49), Verdict.INSUFFICIENT),  # too few, however good
    (at_most(0.05), figure(0.5, 0.3, 0.7, 49), Verdict.INSUFFICIENT),  # too few, however bad
    (at_most(0.05), figure(None, None, None, 0), Verdict.INSUFFICIENT),  # not measured is never a pass
    (at_most(0.05), figure(0.01, None, None, 100), Verdict.INSUFFICIENT),  # no interval, no bound
    (AT_LEAST, figure(0.0, -0.05, 0.05, 100), Verdict.PASS),
    (AT_LEAST, figure(-0.04, -0.06, 0.0, 100), Verdict.INSUFFICIENT),
    (AT_LEAST, figure(-0.06, -0.09, 0.0, 100), Verdict.FAIL),
    (at_most(0.95, bound=Bound.VALUE), 0.95, Verdict.PASS),  # a plain number has no denominator to ask for
    (at_most(0.95, bound=Bound.VALUE), 0.96, Verdict.FAIL),
    (at_most(0.95, bound=Bound.VALUE), figure(0.9, 0.8, 1.0, 50), Verdict.PASS),  # the value, whatever its interval
]


@pytest.mark.parametrize(("limit", "given", "verdict"), VERDICTS)
def test_verdicts(limit, given, verdict):
    (judged,) = judge(Gate("1", "0" * 64, (limit,)), {"share": given})
    assert judged.verdict is verdict
    assert judged.as_dict()["verdict"] == verdict.value


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([Verdict.PASS, Verdict.PASS], Verdict.PASS),
        ([Verdict.PASS, Verdict.INSUFFICIENT], Verdict.INSUFFICIENT),
        ([Verdict.INSUFFICIENT, Verdict.FAIL, Verdict.PASS], Verdict.FAIL),
    ],
)
def test_the_worst_limit_decides(verdicts, expected):
    (judged,) = judge(Gate("1", "", (at_most(1.0),)), {"share": figure(0.0, 0.0, 0.0, 100)})
    assert overall([replace(judged, verdict=verdict) for verdict in verdicts]) is expected


def test_the_project_s_gate_names_figures_that_exist_and_says_each_rule_in_words(four):
    gate = read_gate()
    judged = judge(gate, pair_figures(*four, seed=0))
    assert [one.limit for one in judged] == list(gate.limits)
    for limit in gate.limits:
        assert limit.rule.endswith(".")
        assert len(limit.rule) > 40
    intervals = [limit for limit in gate.limits if limit.bound is not Bound.VALUE]
    assert {limit.figure[0] for limit in intervals} >= {"findings", "boxes", "failed", "localization_change"}
    assert all(limit.least_n >= 30 for limit in intervals)


def test_a_limit_on_a_figure_that_is_not_there_is_an_error():
    with pytest.raises(GateError, match="not measured"):
        judge(Gate("1", "", (at_most(1.0),)), {"other": 1.0})


@pytest.mark.parametrize(
    "content",
    [
        "{",  # no JSON
        "{}",  # no limits
        '{"version": "1", "limits": []}',  # none stated
        '{"version": "1", "limits": [{"id": "x", "figure": ["x"], "bound": "high", "rule": "in words"}]}',  # no end
        '{"version": "1", "limits": [{"id": "x", "figure": ["x"], "bound": "up", "rule": "r", "at_most": 1}]}',
        '{"version": "1", "limits": [{"id": "x", "figure": ["x"], "bound": "high", "rule": "", "at_most": 1}]}',
    ],
)
def test_a_gate_without_limits_is_refused(tmp_path, content):
    path = tmp_path / "gate.json"
    path.write_text(content)
    with pytest.raises(GateError):
        read_gate(path)


def test_the_whole_result_says_no_while_anything_is_not_shown(four, make):
    whole, quantized = four
    result = compare(whole, [quantized], gate=read_gate(), seed=0, source="by hand")
    assert result["passed"] is False
    assert result["pairs"]["nf4"]["verdict"] == "insufficient evidence"  # four cases, whatever they show
    assert json.loads(json.dumps(result, allow_nan=False))["gate"]["sha256"] == read_gate(GATE_FILE).sha256
    table = markdown({"model_id": "m", "date": "2026-01-01", "command": "c", **result})
    assert "**insufficient evidence**" in table
    assert "| second looks triggered otherwise | not measured |" in table


def test_enough_equal_cases_pass(make):
    drafts = [make.boxed(LESION, scores=(0.8,))] * 100
    whole = drafted(make, "float32", drafts, memory=WHOLE_MEMORY)
    result = compare(whole, [drafted(make, "int8", drafts)], gate=read_gate(), seed=0, source="by hand")
    assert result["pairs"]["int8"]["verdict"] == "pass"
    assert result["passed"] is True


def test_no_pair_is_no_pass(four):
    assert compare(four[0], [], gate=read_gate(), seed=0, source="by hand")["passed"] is False
