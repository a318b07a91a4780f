"""The speed table: floors and shares by hand, resuming, and how empty cells say why."""

from __future__ import annotations

import dataclasses
import json

import pytest

from evals.bench import Row, RowKey, figures, floor_ms, median_of, share_of
from evals.bench_file import BenchFileError, Made, Run, document, kept, read, write
from evals.bench_run import ON_GPU_ONLY, Machine, Occasion, Weights, fill, model_rows, shape_rows
from evals.bench_table import markdown
from evals.rate import Figure
from vlm.backends.shapes import shapes
from vlm.registry import embedded_spec
from vlm.timing import Effort, NotMeasured, Proof, Timed

EFFORT = Effort(prompt_tokens=256, new_tokens=201, repeats=3)
RUN = Run("2 cores", "overread bench")
TODAY = Occasion("2026-01-02")
CPU = Machine("2 cores", has_gpu=False)
PROOF = Proof(frames=1, recompiled=0, graph_breaks=0, regions=1, graph_launches=None, compile_s=9.0)


def timed(*token_s, **changes):
    fields = {
        "device": "CPU",
        "threads": 2,
        "weight_bytes": 3 << 20,
        "quant_state_bytes": 1 << 20,
        "saved_bytes": 4 << 20,
        "quantized_layers": 24,
        "bytes_per_token": 6_000_000,
        "peak_bytes": 512 << 20,
        "copy_bytes_per_s": (1e9, 4e9, 2e9),
        "image_s": (),
        "prefill_s": (0.02,),
        "token_s": token_s,
        "draft_s": (1.5,),
        "proof": None,
    }
    return Timed(**(fields | changes))


def row(dtype, quantization, mode, result):
    return Row(RowKey("m", dtype, quantization, mode), EFFORT, result)


@pytest.mark.parametrize(
    ("size", "bandwidth", "expected"),
    [
        (6_000_000, 2e9, 3.0),  # 6 MB at 2 GB/s
        (7_760_000_000, 4.3e12, 1.8047),  # a 4B model in bfloat16 on an H200
        (3_139_000_000, 4.3e12, 0.73),  # the same in NF4 with a whole head
    ],
)
def test_the_floor_by_hand(size, bandwidth, expected):
    assert floor_ms(size, bandwidth) == pytest.approx(expected, rel=1e-3)


def test_figures_of_a_row_by_hand():
    """Median step 5 ms; floor 6 MB at the median 2 GB/s = 3 ms; share 0.6."""
    reference = row("bfloat16", "none", "eager", timed(0.004))
    own = row("float32", "nf4", "compiled", timed(0.004, 0.005, 0.006, proof=PROOF))
    found = figures([reference, own], own)
    assert found.token_ms.value == 5.0
    assert found.token_ms.ci95 == pytest.approx((4.0, 6.0))
    assert found.floor_ms == 3.0
    assert found.floor_share.value == pytest.approx(0.6)
    assert found.floor_share.ci95 == pytest.approx((0.5, 0.75))
    assert found.relative == pytest.approx(1.25)
    assert (found.held_mib, found.peak_mib) == (4.0, 512.0)
    assert found.image_ms.value is None  # a model without a tower
    assert found.copy_gb_per_s.value == 2.0


def test_a_single_repeat_has_no_interval():
    assert median_of([0.25], scale=1000.0, seed=0) == Figure(250.0, None, 1)
    assert share_of(1.0, Figure(4.0, None, 1)) == Figure(0.25, None, 1)


def test_without_the_reference_row_there_is_no_ratio():
    own = row("float32", "none", "eager", timed(0.004))
    assert figures([own], own).relative is None
    failed = row("bfloat16", "none", "eager", NotMeasured("no memory"))
    assert figures([failed, own], own).relative is None


def test_what_was_not_measured_is_null_with_its_reason():
    own = row("float32", "nf4", "eager", NotMeasured("bitsandbytes is not installed"))
    found = figures([own], own).as_dict()
    assert found["reason"] == "bitsandbytes is not installed"
    assert found["token_ms"] == {"value": None, "ci95": None, "n": 0}
    assert [found[name] for name in ("floor_ms", "peak_mib", "held_mib", "relative")] == [None] * 4


def made():
    return (
        Made(row("bfloat16", "none", "eager", timed(0.004, 0.005)), "in1", "2026-01-02", "taken beside another load"),
        Made(row("bfloat16", "none", "compiled", timed(0.002, proof=PROOF)), "in2", "2026-01-01"),
        Made(
            row("float32", "nf4", "eager", NotMeasured("no such part | here")),
            "in3",
            "2026-01-02",
            "taken beside another load",
        ),
    )


def test_a_file_gives_back_what_was_written(tmp_path):
    path = tmp_path / "deep" / "bench.json"
    write(path, json.dumps(document(RUN, made()), allow_nan=False))
    assert read(path) == made()
    assert read(tmp_path / "none.json") == ()


@pytest.mark.parametrize("content", ["", "[]", '{"format": "other@1", "rows": []}', '{"rows": [{}]}'])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "bench.json"
    path.write_text(content)
    with pytest.raises(BenchFileError, match="name another file"):
        read(path)


def test_only_a_measured_row_of_the_same_inputs_is_kept():
    rows = made()
    assert kept(rows, rows[0].row.key, inputs="in1") is rows[0]
    assert kept(rows, rows[0].row.key, inputs="other") is None
    assert kept(rows, rows[2].row.key, inputs="in3") is None  # it was not measured: try again


def planned(machine=CPU, effort=EFFORT):
    weights, modes = (Weights.BF16, Weights.NF4), ("eager", "compiled")
    return list(model_rows(embedded_spec(), weights=weights, modes=modes, effort=effort, machine=machine))


def test_rows_of_the_model():
    rows = planned()
    assert [(one.key.weights, one.key.mode, one.task.compiler) for one in rows] == [
        ("bfloat16", "eager", None),
        ("bfloat16", "compiled", "inductor"),
        ("nf4 (float32)", "eager", None),
        ("nf4 (float32)", "compiled", "inductor"),
    ]
    assert [one.task.subject.spec.quantization.value for one in rows] == ["none", "none", "nf4", "nf4"]
    assert rows[0].task.subject.spec.dtype == "bfloat16"
    on_gpu = planned(Machine("gpu", has_gpu=True))
    assert on_gpu[2].key.weights == "nf4 (bfloat16)"
    assert {one.inputs for one in rows}.isdisjoint({one.inputs for one in on_gpu})
    assert {one.inputs for one in rows}.isdisjoint({one.inputs for one in planned(effort=Effort(256, 201, 4))})


def test_a_resumed_run_measures_only_what_is_missing():
    rows, asked = planned(), []

    def run(task):
        asked.append(task)
        return NotMeasured("broke") if task.compiler else timed(0.1)

    first = list(fill(rows, earlier=(), run=run, machine=CPU, occasion=TODAY))
    assert len(asked) == 4
    asked.clear()
    again = list(fill(rows, earlier=first, run=run, machine=CPU, occasion=Occasion("2026-01-03", "taken in haste")))
    assert [task.compiler for task in asked] == ["inductor", "inductor"]
    assert [one.row for one in again] == [one.row for one in first]
    assert [one.date for one in again] == ["2026-01-02", "2026-01-03"] * 2  # a kept row keeps its day and its load
    assert [one.beside for one in again] == ["", "taken in haste"] * 2


def test_a_shape_is_refused_on_a_cpu_without_starting_anything():
    rows = [
        one
        for shape in shapes()
        for one in shape_rows(shape, weights=(Weights.NF4,), modes=("eager",), effort=EFFORT, machine=CPU)
    ]
    assert len(rows) == 3
    assert rows[0].task.effort == dataclasses.replace(EFFORT, prompt_tokens=606)
    found = list(fill(rows, earlier=(), run=lambda task: pytest.fail("started"), machine=CPU, occasion=TODAY))
    assert {one.row.result.reason for one in found} == {ON_GPU_ONLY}
    started = list(
        fill(rows, earlier=(), run=lambda task: timed(0.1), machine=Machine("gpu", has_gpu=True), occasion=TODAY)
    )
    assert all(isinstance(one.row.result, Timed) for one in started)


def test_the_table_says_what_is_empty_and_why():
    text = markdown(dataclasses.replace(RUN, note="by hand"), made())
    lines = text.splitlines()
    assert lines[0] == "Machine: 2 cores. Date: 2026-01-01, 2026-01-02. Command: `overread bench`."
    assert lines[2] == "Note: by hand."
    assert lines[4] == "Note: 1 of 2 measured rows were taken beside another load."
    assert lines[8].endswith("201 new tokens, median of 3 repeats; CPU, 2 threads.")
    assert any(line.startswith("| bfloat16 | eager | 4.5 (4 to 5) | 1.00 | 3 | 66.7% |") for line in lines)
    assert any(line.startswith("| nf4 (float32) | eager | [1] | – |") for line in lines)
    assert "[1] not measured: no such part | here" in lines
    assert {line.count("|") for line in lines if line.startswith("|")} == {12}
