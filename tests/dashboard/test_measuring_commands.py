"""`overread bench` and `overread eval quantization`: a few tokens and one case, by the real model."""

from __future__ import annotations

import json

import pytest

from dashboard.cli import main
from dashboard.commands import bench
from evals.bench_file import read
from evals.quantization_gate import read_gate


def test_quantized_drafts_are_compared_and_one_case_is_not_enough(tmp_path, capsys):
    prefix = tmp_path / "kept"
    words = f"eval quantization --simulated --n 1 --seed 3 --quantization nf4 --out {prefix} --json"
    assert main(words.split()) == 1
    found = json.loads(capsys.readouterr().out)
    assert json.loads(prefix.with_suffix(".json").read_text()) == found
    assert found["whole"] == "float32"
    pair = found["pairs"]["nf4"]
    assert pair["verdict"] == "insufficient evidence"
    assert len(pair["limits"]) == len(read_gate().limits)
    assert pair["figures"]["quantized_layers"] > 0
    assert pair["figures"]["memory_ratio"] < 0.95
    assert found["models"]["nf4"]["model"]["quantization"] == "nf4"
    assert "insufficient evidence" in prefix.with_suffix(".md").read_text()


def test_the_bench_measures_keeps_and_resumes(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("vlm.devices.NVIDIA", tmp_path / "no-driver")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    prefix = tmp_path / "table"
    words = (
        f"bench --quantization fp32 --mode eager --tokens 3 --prompt 110 --repeats 2 --shapes maira-2 --out {prefix}"
    )
    assert main([*words.split(), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    own, shape = found["rows"]
    assert own["figures"]["token_ms"]["value"] > 0
    assert own["figures"]["floor_share"]["n"] == 2
    assert shape["figures"]["token_ms"]["value"] is None
    assert "on a GPU" in shape["figures"]["reason"]
    kept = read(prefix.with_suffix(".json"))
    monkeypatch.setattr("vlm.timing.timed", lambda task: pytest.fail("measured again"))
    assert main(words.split()) == 0
    again = read(prefix.with_suffix(".json"))
    assert again[0] == kept[0]
    assert again[1].row == kept[1].row  # tried again, and refused again
    assert "| float32 | eager |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("bench --model nowhere", 4, "no model is named"),
        ("bench --shapes gpt", 2, "no shape is named"),
        ("bench --tokens 1", 2, "2 new tokens"),
        ("eval quantization --simulated --model nowhere", 4, "no model is named"),
        ("eval quantization --simulated --gate nowhere.json", 2, "states no limits"),
    ],
)
def test_wrong_use_is_one_sentence(words, code, said, capsys):
    assert main(words.split()) == code
    assert said in capsys.readouterr().err


def test_a_foreign_file_is_not_written_over(tmp_path, capsys):
    (tmp_path / "x.json").write_text('{"mine": 1}')
    assert main(["bench", "--out", str(tmp_path / "x")]) == 2
    assert (tmp_path / "x.json").read_text() == '{"mine": 1}'
    assert "name another file" in capsys.readouterr().err


@pytest.mark.parametrize(("load", "said"), [(0.4, False), (1.0, False), (1.1, True)])
def test_a_busy_machine_is_said(monkeypatch, load, said):
    monkeypatch.setattr(bench.os, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr(bench.os, "cpu_count", lambda: 2)
    assert bool(bench.busy_words()) is said


def test_the_machine_is_named_in_plain_words(monkeypatch):
    monkeypatch.setattr(bench, "_cpu_flags", lambda: frozenset({"avx2", "avx512f", "fpu"}))
    monkeypatch.setattr(bench.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(bench.platform, "machine", lambda: "x86_64")
    assert bench.machine_words() == "2 x86_64 cores, AVX512F"
