from __future__ import annotations

import itertools
import os
import time
from datetime import UTC, datetime

import numpy as np
import pytest

from cases.draft import DraftStatus, FailureKind
from cases.study import CaseStatus
from vlm.errors import ModelLoadError
from vlm.supervised import Deadlines, SupervisedDrafter

NOW = datetime(2024, 1, 2, tzinfo=UTC)


@pytest.fixture
def drafter(scripted):
    made = []

    def make(name="FromPrompt", **seconds):
        ids = itertools.count(1)
        deadlines = Deadlines(**({"load_s": 60.0, "case_s": 30.0} | seconds))
        made.append(
            SupervisedDrafter(
                scripted.SPEC,
                now=lambda: NOW,
                new_id=lambda: f"d{next(ids)}",
                deadlines=deadlines,
                backend=f"scripted_backend:{name}",
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
