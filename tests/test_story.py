"""One case through all rooms, on the command line: it comes in, is drafted, overread and signed, counted and verified.

The draft is the embedded model's own.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

from cases.phantom.demo import FIRST_SEED, demo_stories
from cases.phantom.dicom_out import write_case
from cases.phantom.simulated import case_from_story
from cases.protocol import protocol_of
from dashboard.cli import main
from dashboard.commands import demo
from vlm.backend import Answer
from vlm.draft import draft_case
from vlm.explain import explain
from vlm.model_spec import ModelSpec
from vlm.rulebook import Rules

SCRIPT = (
    "<obj>Nodule in the left upper zone.<box><x60><y20><x70><y30></box></obj>"
    "<obj>The heart is normal in size.</obj><obj>No pleural effusion.</obj>"
)


class Scripted:
    """Says the same of every radiograph."""

    spec = ModelSpec("scripted", Path("/nowhere"), "f" * 64, "maira2@1", "overread-1", 256)

    def answer(self, *, image, prompt, prior=None):
        return Answer(SCRIPT, (), (), False, (("generate", 0.0),))


@contextmanager
def scripted_model(quantization, *, store):
    rules = Rules(protocol_of(store))

    def drafted(case, *, pixels):
        return draft_case(
            case, pixels=pixels, backend=Scripted(), now=lambda: datetime.now(UTC), new_id=lambda: uuid4().hex
        )

    def explained(draft, *, case, pixels):
        told = explain(case, pixels=pixels, draft=draft, backend=Scripted(), rules=rules)
        return replace(told, evidence_id=uuid4().hex, created=datetime.now(UTC))

    yield SimpleNamespace(draft=drafted, explain=explained)


def told(capsys, *arguments, code=0):
    assert main([str(argument) for argument in arguments]) == code
    return json.loads(capsys.readouterr().out)


def test_one_case_through_all_rooms(tmp_path, capsys):
    store = tmp_path / "pilot" / "overread.duckdb"
    ask = ("--json", "--store", store)
    folder = write_case(case_from_story(demo_stories()[0], seed=FIRST_SEED), tmp_path / "incoming")

    came = told(capsys, "import", folder, *ask)
    [case] = came["cases"]
    assert came["rejected"] == []
    assert case["status"] == "registered"
    assert case["inputs"]["prior_notes"] == {"present": True, "missing_reason": None}
    assert told(capsys, "import", folder, *ask)["cases"][0]["case_id"] == case["case_id"]  # again: the same case
    assert len(told(capsys, "cases", *ask)["cases"]) == 1

    drafted = told(capsys, "draft", case["case_id"], *ask)
    assert drafted["status"] == "ok", drafted["failure"]
    assert drafted["sentences"]
    assert told(capsys, "cases", *ask)["cases"][0]["status"] == "preliminary"

    decisions = tmp_path / "decisions.json"
    first, *others = [sentence["index"] for sentence in drafted["sentences"]]
    entries = [{"index": first, "decision": "delete", "reason": "false_positive"}]
    decisions.write_text(json.dumps(entries + [{"index": index, "decision": "keep"} for index in others]))
    before = told(capsys, "kpi", *ask)["override"]
    assert (before["value"], before["n"]) == (None, 0)
    signed = told(capsys, "sign", case["case_id"], "--reader", "reader-1", "--decisions", decisions, *ask)
    assert signed["overridden"] is True
    after = told(capsys, "kpi", *ask)["override"]
    assert (after["value"], after["n"], after["count"]) == (1.0, 1, 1)
    assert told(capsys, "cases", *ask)["cases"][0]["status"] == "final"

    shown = told(capsys, "show", case["case_id"], *ask)
    assert shown["draft"]["draft_id"] == drafted["draft_id"]
    assert [review["reader_id"] for review in shown["reviews"]] == ["reader-1"]
    found = told(capsys, "audit", "verify", *ask)
    assert found["ok"] is True
    assert found["events"] >= 3  # registered, drafted, signed at the least


def test_the_demo_prepares_what_is_not_there_yet(tmp_path, monkeypatch, capsys):
    # The real model drafts the demo in the browser test; here the question is what is done twice and what is not.
    drafts = []

    @contextmanager
    def counted(quantization, *, store):
        with scripted_model(quantization, store=store) as inner:
            yield SimpleNamespace(
                draft=lambda case, *, pixels: drafts.append(case.case_id) or inner.draft(case, pixels=pixels),
                explain=inner.explain,
            )

    two = demo_stories()[4:6]
    monkeypatch.setattr(demo, "model", counted)
    monkeypatch.setattr(demo, "weights_now", lambda: Scripted.spec.weights_sha256)
    monkeypatch.setattr("cases.phantom.demo.demo_stories", lambda: two)
    store = tmp_path / "demo.duckdb"
    shape = told(capsys, "demo", "--no-serve", "--json", "--store", store)
    assert shape == {"store": str(store), "cases": 3, "drafts": 3, "failed": 0}  # two simulated, and RG1
    assert len(drafts) == 3
    assert told(capsys, "demo", "--no-serve", "--json", "--store", store) == shape
    assert len(drafts) == 3
    rows = told(capsys, "cases", "--json", "--store", store)["cases"]
    assert sorted(row["simulated"] for row in rows) == [False, True, True]

    # the weights change: what is not signed is drafted again, as new drafts beside the old ones
    first = rows[0]
    entries = [{"index": index, "decision": "keep"} for index in range(3)]
    (tmp_path / "keep.json").write_text(json.dumps(entries))
    told(
        capsys, "sign", first["case_id"], "--reader", "r1", "--decisions", tmp_path / "keep.json", "--json",
        "--store", store,
    )  # fmt: skip
    monkeypatch.setattr(demo, "weights_now", lambda: "e" * 64)
    told(capsys, "demo", "--no-serve", "--json", "--store", store)
    assert len(drafts) == 5
    assert first["case_id"] not in drafts[3:]
    monkeypatch.setattr(demo, "weights_now", lambda: None)  # no weights: nothing to draft with, and nothing is lost
    told(capsys, "demo", "--no-serve", "--json", "--store", store)
    assert len(drafts) == 5
