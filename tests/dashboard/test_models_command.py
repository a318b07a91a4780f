"""`overread models`: what can be named, where it is, and whether it may draft. It loads none."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from cases.paths import StorePaths
from dashboard.cli import main
from vlm.registry import site_file, spec_named
from vlm.self_test import SelfTest
from vlm.self_test_record import keep_self_test

ENTRY = {
    "model_id": "medgemma",
    "family": "gemma3",
    "folder": "/models/medgemma",
    "weights_sha256": "a" * 64,
    "input_side_px": 896,
}


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.delenv("OVERREAD_MODELS", raising=False)
    path = tmp_path / "s.duckdb"
    StorePaths(path).models.write_text(json.dumps({"models": [ENTRY]}))
    return path


def listed(store, capsys):
    assert main(["models", "--json", "--store", str(store)]) == 0
    return {row["model_id"]: row for row in json.loads(capsys.readouterr().out)["models"]}


def test_a_site_model_is_offered_once_it_passed(store, capsys):
    rows = listed(store, capsys)
    assert rows["overread-embedded"]["offered"]
    assert (rows["medgemma"]["offered"], rows["medgemma"]["where"]) == (False, "/models/medgemma")
    assert "overread doctor --model medgemma" in rows["medgemma"]["why_not"]
    passed = SelfTest("coordinates@1", datetime(2026, 1, 2, tzinfo=UTC), 24, 24, 24, 0.01)
    keep_self_test(StorePaths(store).self_tests, spec_named("medgemma", site_file(store)), result=passed)
    rows = listed(store, capsys)
    assert rows["medgemma"]["offered"]
    assert rows["medgemma"]["self_test"] == passed.in_words
    assert main(["models", "--store", str(store)]) == 0
    assert "passed 2026-01-02" in capsys.readouterr().out


def test_a_list_that_is_none_is_one_sentence(store, capsys):
    StorePaths(store).models.write_text("{")
    assert main(["models", "--store", str(store)]) == 4
    assert "not readable JSON" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["draft", "c1", "--model", "medgemma"], 1, "before its coordinate self-test"),
        (["draft", "c1", "--model", "gpt"], 4, "no model is named 'gpt'"),
        (["doctor", "--model", "gpt"], 4, "no model is named 'gpt'"),
        (["doctor", "--model", "medgemma"], 5, "no weights at"),
    ],
)
def test_a_model_that_may_not_draft_is_one_sentence(store, capsys, words, status, said):
    assert main([*words, "--store", str(store)]) == status
    assert said in capsys.readouterr().err
