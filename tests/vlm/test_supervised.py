from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from cases.draft import DraftStatus, FailureKind
from cases.protocol import ProtocolError, default_protocol
from cases.study import CaseStatus
from vlm.errors import ModelLoadError
from vlm.rulebook import Rules
from vlm.supervised import Deadlines, SupervisedDrafter

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2024, 1, 2, tzinfo=UTC)


@pytest.fixture
def drafter(scripted):
    made = []

    def make(name="FromPrompt", *, rules=None, **seconds):
        ids = itertools.count(1)
        deadlines = Deadlines(**({"load_s": 60.0, "case_s": 30.0, "evidence_s": 30.0} | seconds))
        made.append(
            SupervisedDrafter(
                scripted.SPEC,
                now=lambda: NOW,
                new_id=lambda: f"d{next(ids)}",
                deadlines=deadlines,
                backend=f"scripted_backend:{name}",
                rules=rules,
            )
        )
        return made[-1]

    yield make
    for each in made:
        each.close()


def running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def child_pid(drafter, make_case, pixels):
    draft = drafter.draft(make_case(indication="pid"), pixels=pixels)
    return int(draft.report.sentences[0].text.removeprefix("Process ").rstrip("."))


def test_one_child_drafts_a_batch_and_the_parent_stamps_each(drafter, make_case, pixels):
    with drafter() as supervised:
        first, second = (child_pid(supervised, make_case, pixels) for _ in range(2))
        draft = supervised.draft(make_case(), pixels=pixels)
        assert first == second != os.getpid()
        assert (draft.status, draft.draft_id, draft.created) == (DraftStatus.OK, "d3", NOW)
        failed = supervised.draft(make_case(indication="nan"), pixels=pixels)
        assert (failed.failure.kind, failed.raw_text) == (FailureKind.NON_FINITE, "<obj>half")
        with pytest.raises(ValueError, match="pixels"):
            supervised.draft(make_case(), pixels=np.zeros((1, 1), np.uint16))
        assert child_pid(supervised, make_case, pixels) == first
    assert not running(first)


def test_the_child_that_drafted_explains_and_the_parent_stamps(drafter, make_case, pixels):
    supervised = drafter(rules=lambda: Rules(default_protocol()))
    draft = supervised.draft(make_case(), pixels=pixels)
    told = supervised.explain(draft, case=make_case(), pixels=pixels)
    assert (told.evidence_id, told.draft_id, told.created) == ("d2", "d1", NOW)
    assert told.sentences[0].without_notes is not None  # it was drafted again, in the child
    failed = supervised.draft(make_case(indication="nan"), pixels=pixels)
    assert supervised.explain(failed, case=make_case(), pixels=pixels) is None


def test_the_rules_may_ask_what_fewer_bits_would_say(drafter, make_case, pixels):
    asking = replace(default_protocol(), second_quantization="int8")
    supervised = drafter(rules=lambda: Rules(asking))
    draft = supervised.draft(make_case(), pixels=pixels)
    assert supervised.explain(draft, case=make_case(), pixels=pixels).quantization_changes == 0


def test_a_child_that_dies_while_it_explains_leaves_what_words_tell(drafter, make_case, pixels):
    supervised = drafter(rules=lambda: Rules(default_protocol()))
    draft = supervised.draft(make_case(), pixels=pixels)
    told = supervised.explain(draft, case=make_case(indication="die"), pixels=pixels)
    assert (told.draft_id, told.sentences[0].without_notes) == ("d1", None)
    assert told.protocol_sha256 == default_protocol().sha256
    assert supervised.draft(make_case(), pixels=pixels).status is DraftStatus.OK  # in a new child


def test_a_calibration_that_was_refused_is_said(drafter, make_case, pixels):
    supervised = drafter(rules=lambda: Rules(default_protocol(), None, "of other weights: fit it again"))
    assert supervised.uncalibrated == ""
    supervised.draft(make_case(), pixels=pixels)
    assert supervised.uncalibrated == "of other weights: fit it again"


def test_rules_that_cannot_be_followed_are_said_before_the_model_is_asked(drafter, make_case, pixels):
    def broken():
        raise ProtocolError("s.protocol.yaml: rule 'x': unknown key")

    supervised = drafter(rules=broken)
    with pytest.raises(ProtocolError, match="unknown key"):
        supervised.draft(make_case(), pixels=pixels)


def test_without_rules_there_is_no_evidence(drafter, make_case, pixels):
    supervised = drafter()
    draft = supervised.draft(make_case(), pixels=pixels)
    assert supervised.explain(draft, case=make_case(), pixels=pixels) is None


def test_a_crash_costs_one_draft(drafter, make_case, pixels):
    supervised = drafter()
    draft = supervised.draft(make_case(indication="die"), pixels=pixels)
    assert (draft.status, draft.failure.kind) == (DraftStatus.FAILED, FailureKind.CRASH)
    assert "exit status -9" in draft.failure.message
    assert supervised.draft(make_case(), pixels=pixels).status is DraftStatus.OK


def test_a_hang_is_ended_at_the_deadline(drafter, make_case, pixels):
    supervised = drafter(case_s=1.0)
    supervised.load()
    started = time.monotonic()
    draft = supervised.draft(make_case(indication="hang"), pixels=pixels)
    assert (draft.failure.kind, draft.case_id) == (FailureKind.TIMEOUT, "c1")
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("refuses_to_load", "the weights of scripted are others"),  # the model's own reason comes through
        ("dies_loading", "EOFError"),  # killed while loading
        ("hangs_loading", "within 3 s"),  # never ready
        ("no_such_backend", "EOFError"),  # a name that is not there
    ],
)
def test_a_model_that_does_not_load_is_no_failed_draft(drafter, make_case, pixels, name, says):
    with pytest.raises(ModelLoadError, match=says):
        drafter(name, load_s=3.0 if name == "hangs_loading" else 60.0).draft(make_case(), pixels=pixels)


def test_a_case_out_of_scope_starts_no_child(drafter, make_case):
    case = make_case(status=CaseStatus.ABSTAINED, abstention="a child", image=None)
    draft = drafter("dies_loading").draft(case, pixels=None)
    assert (draft.status, draft.abstention) == (DraftStatus.ABSTAINED, "a child")


PARENT = """
import sys
from datetime import UTC, datetime
from conftest import case
import numpy as np, scripted_backend
from vlm.supervised import SupervisedDrafter
drafter = SupervisedDrafter(scripted_backend.SPEC, now=lambda: datetime.now(UTC), new_id=lambda: "d",
    backend="scripted_backend:FromPrompt")
drafter.load()
print(drafter._child.process.pid, flush=True)
drafter.draft(case(indication="hang"), pixels=np.full((100, 80), 30000, np.uint16))
"""


def test_no_child_outlives_a_parent_that_was_killed_not_even_in_the_middle_of_a_case(scripted, tmp_path, monkeypatch):
    monkeypatch.setenv("SCRIPTED_MARKS", str(tmp_path))
    path = os.pathsep.join((str(ROOT), os.environ["PYTHONPATH"]))
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    with parent:
        child = int(parent.stdout.readline())
        until((tmp_path / "hangs").exists, within_s=60)  # for a minute, if nobody ends it
        assert running(child)
        parent.kill()
        until(lambda: not running(child), within_s=10)


def until(holds, *, within_s):
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_child_sees_the_one_device_that_it_is_given(scripted, make_case, pixels, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with SupervisedDrafter(
        scripted.SPEC,
        now=lambda: NOW,
        new_id=lambda: "d",
        backend="scripted_backend:FromPrompt",
        environment={"CUDA_VISIBLE_DEVICES": "1"},
    ) as supervised:
        draft = supervised.draft(make_case(indication="device"), pixels=pixels)
    assert draft.report.sentences[0].text == "Device 1."


def test_an_interrupt_from_another_thread_ends_the_wait_as_a_crash_would(
    drafter, make_case, pixels, tmp_path, monkeypatch
):
    monkeypatch.setenv("SCRIPTED_MARKS", str(tmp_path))
    supervised, drafts = drafter(), []
    supervised.interrupt()  # nothing runs yet: nothing happens
    thread = threading.Thread(
        target=lambda: drafts.append(supervised.draft(make_case(indication="hang"), pixels=pixels))
    )
    thread.start()
    until((tmp_path / "hangs").exists, within_s=60)
    supervised.interrupt()
    thread.join(timeout=10)
    assert drafts[0].failure.kind is FailureKind.CRASH
