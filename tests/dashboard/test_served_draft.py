"""A served model through the whole of drafting: a process of its own, a real HTTP server, the ledger."""

from __future__ import annotations

import importlib
import itertools
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from cases.draft import DraftStatus, FailureKind
from cases.images import ImageStore
from cases.paths import StorePaths
from cases.store import Store
from dashboard.cli import main
from dashboard.commands.draft import draft_and_record
from vlm.backends.openai_server import OpenAIServer
from vlm.draft import draft_case
from vlm.self_test_scene import all_targets
from vlm.supervised import Deadlines, SupervisedDrafter

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
CHAT = str(Path(__file__).parents[1] / "vlm")
CASE = "case-waiting"


@pytest.fixture
def chat(monkeypatch):
    monkeypatch.syspath_prepend(CHAT)
    module = importlib.import_module("chat_server")
    monkeypatch.setenv(module.VARIABLE, module.KEY)  # the child process inherits it
    return module


@pytest.fixture
def serve(chat):
    running = []

    def start(act):
        running.append(chat.ChatServer(act))
        return running[-1]

    yield start
    for server in running:
        server.close()


@pytest.fixture
def store(tmp_path, prepare_pilot):
    """A pilot whose radiographs are grey with one bright target at columns 60 to 80, rows 20 to 50 of 96 x 96."""
    pixels = np.full((96, 96), 15000, np.uint16)
    pixels[20:50, 60:80] = 65535
    path = prepare_pilot(tmp_path / "pilot.duckdb", pixels=pixels)
    with Store.open(path, now=lambda: NOW) as opened:
        yield opened, path


def recorded(store, spec, **deadlines):
    opened, path = store
    ids = (f"d-{number}" for number in itertools.count(1))
    case = opened.case(CASE)
    with SupervisedDrafter(
        spec, now=lambda: NOW, new_id=lambda: next(ids), deadlines=Deadlines(**deadlines)
    ) as drafter:
        draft_and_record(opened, case, store_path=path, drafter=drafter)
    return opened.latest_draft(CASE)


def test_a_served_draft_is_in_the_ledger(store, serve, chat):
    server = serve(chat.conforming(chat.maira2, key=chat.KEY))
    draft = recorded(store, chat.spec_at(server.endpoint))
    assert draft.status is DraftStatus.OK, draft.failure
    (sentence,) = draft.report.sentences
    assert sentence.text == chat.WORDS
    (box,) = sentence.boxes
    found = (box.x_min, box.y_min, box.x_max, box.y_max)
    assert found == pytest.approx((60 / 96, 20 / 96, 80 / 96, 50 / 96), abs=0.015)  # half a bin of 100, and blur
    assert (draft.model.model_id, draft.model.revision) == ("served", "declared:2026-11")
    assert draft.raw_text.startswith("<obj>")
    assert len(draft.box_scores) == 1
    assert len(server.asked) == 1


def test_a_server_that_hangs_is_a_failed_draft_at_the_process_deadline(store, serve, chat):
    draft = recorded(store, chat.spec_at(serve(chat.hanging).endpoint), case_s=2.0)
    assert (draft.status, draft.failure.kind, draft.report) == (DraftStatus.FAILED, FailureKind.TIMEOUT, None)
    assert not chat.secrets_in(draft.failure.message)


def test_a_server_that_hangs_is_a_failed_draft_at_its_own_limit(store, serve, chat):
    opened, path = store
    case = opened.case(CASE)
    draft = draft_case(
        case,
        pixels=ImageStore(StorePaths(path).images).get(case.image.sha256),
        backend=OpenAIServer(chat.spec_at(serve(chat.hanging).endpoint), limits=chat.QUICK),
        now=lambda: NOW,
        new_id=lambda: "d-1",
    )
    opened.record_draft(draft, agent="tests")
    kept = opened.latest_draft(CASE)
    assert (kept.draft_id, kept.failure.kind) == ("d-1", FailureKind.TIMEOUT)
    assert "within its 1 s" in kept.failure.message
    assert opened.verify(anchor=None).ok


def test_a_case_out_of_scope_is_not_sent(store, serve, chat):
    opened, path = store
    server = serve(chat.conforming(chat.maira2))
    with SupervisedDrafter(chat.spec_at(server.endpoint), now=lambda: NOW, new_id=lambda: "d-1") as drafter:
        draft = draft_and_record(opened, opened.case("case-leg"), store_path=path, drafter=drafter)
    assert (draft.status, server.asked) == (DraftStatus.ABSTAINED, [])


def test_a_key_that_is_not_there_leaves_no_failed_draft(store, serve, chat, monkeypatch):
    from vlm.errors import ModelLoadError

    monkeypatch.delenv(chat.VARIABLE)
    before = store[0].drafts(CASE)
    with pytest.raises(ModelLoadError, match=chat.VARIABLE):
        recorded(store, chat.spec_at(serve(chat.hanging).endpoint))
    assert store[0].drafts(CASE) == before


@pytest.fixture
def listed(tmp_path, prepare_pilot, monkeypatch):
    """Writes the site's list of one served model; gives the store's path."""
    pixels = np.full((96, 96), 15000, np.uint16)
    pixels[20:50, 60:80] = 65535
    path = prepare_pilot(tmp_path / "pilot.duckdb", pixels=pixels)
    monkeypatch.delenv("OVERREAD_MODELS", raising=False)

    def write(chat, endpoint, **changes):
        entry = {
            "model_id": "site-model",
            "family": "gemma3",
            "endpoint": endpoint,
            "served_name": chat.MODEL,
            "key_variable": chat.VARIABLE,
            "input_side_px": 896,
        }
        StorePaths(path).models.write_text(json.dumps({"models": [entry | changes]}))
        return str(path)

    return write


def commanded(capsys, *words):
    """The exit status of a command, its JSON (None where it printed none), and what it complained of."""
    status = main([*words, "--json"])
    said = capsys.readouterr()
    return status, json.loads(said.out) if said.out.strip() else None, said.err


def test_the_commands_test_a_served_model_and_then_draft_with_it(listed, serve, chat, capsys, monkeypatch):
    # six targets on a plain dark field, so that the brightest spot is the target and nothing else
    few = all_targets()[::4]
    monkeypatch.setattr("vlm.self_test_scene.all_targets", lambda: few)
    monkeypatch.setattr("vlm.self_test_scene._thorax", lambda _, side: np.full((side, side), 0.1, np.float32))
    server = serve(chat.conforming(chat.gemma, key=chat.KEY))
    store = listed(chat, server.endpoint)

    status, _, complaint = commanded(capsys, "draft", CASE, "--model", "site-model", "--store", store)
    assert (status, server.asked) == (1, [])  # untested: not offered, and not asked
    assert "overread doctor --model site-model" in complaint

    status, test, _ = commanded(capsys, "doctor", "--model", "site-model", "--store", store)
    assert (status, test["passed"], test["fault"]) == (0, True, "")
    assert test["answered"] == test["targets"] == len(server.asked)
    assert test["median_error"] < 0.005  # half a thousandth of the input, and a pixel of blur

    status, draft, _ = commanded(capsys, "draft", CASE, "--model", "site-model", "--store", store)
    assert (status, draft["status"]) == (0, "ok")
    assert draft["model"]["self_test"]
    (box,) = draft["sentences"][0]["boxes"]
    found = [box[edge] for edge in ("x_min", "y_min", "x_max", "y_max")]
    assert found == pytest.approx([60 / 96, 20 / 96, 80 / 96, 50 / 96], abs=0.01)


@pytest.mark.campaign
def test_a_served_model_that_spells_its_boxes_wrongly_is_not_offered(listed, serve, chat, capsys, monkeypatch):
    monkeypatch.setattr("vlm.self_test_scene._thorax", lambda _, side: np.full((side, side), 0.1, np.float32))
    swapped = chat.conforming(lambda c, rows, columns: chat.gemma((c[1], c[0], c[3], c[2]), columns, rows))
    server = serve(swapped)
    store = listed(chat, server.endpoint)
    status, test, _ = commanded(capsys, "doctor", "--model", "site-model", "--store", store)
    assert (status, test["passed"], test["fault"]) == (1, False, "x and y are swapped")
    asked = len(server.asked)
    status, _, complaint = commanded(capsys, "draft", CASE, "--model", "site-model", "--store", store)
    assert (status, len(server.asked)) == (1, asked)
    assert "x and y are swapped" in complaint
