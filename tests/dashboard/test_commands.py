"""The commands on a store that was filled by hand: what they print, what they record, how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from cases.draft import Draft, DraftStatus, Failure, FailureKind, ModelIdentity, StageSeconds
from cases.store import Store
from cases.study import Case, CaseStatus, Image, InputName, InputState, MissingReason, PriorNote
from dashboard.cli import main
from dashboard.commands.common import Exit
from grounding.box import Box
from grounding.report import Citation, GroundedReport, GroundedSentence, Laterality

ARRIVED = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
NOTE = PriorNote("n1", None, "report", "Nodule in the left upper zone. Heart normal.")
MODEL = ModelIdentity("embedded", "a" * 64, "none", "float32", "b" * 64, "overread-cells@1")
REPORT = GroundedReport(
    (
        GroundedSentence(
            "Nodule in the left upper zone.",
            finding="nodule",
            laterality=Laterality.LEFT,
            groundable=True,
            boxes=(Box(0.5, 0.25, 0.75, 0.5),),
            citations=(Citation("n1", 0, 6, "Nodule"),),
        ),
        GroundedSentence("The heart is normal in size."),
    )
)


def case_of(case_id):
    return Case(
        case_id=case_id,
        patient_pseudonym=f"p-{case_id}",
        received=ARRIVED,
        status=CaseStatus.REGISTERED,
        image=Image("c" * 64, 10, 20, "DX", "PA", None, None, None, False),
        notes=(NOTE,),
        indication="Cough.",
        inputs=tuple(
            InputState(
                name,
                name is not InputName.PRIOR_IMAGE,
                MissingReason.NOT_SENT if name is InputName.PRIOR_IMAGE else None,
            )
            for name in InputName
        ),
    )


def draft_of(case_id, report):
    failure = None if report else Failure(FailureKind.PARSE, "the answer is no report")
    return Draft(
        draft_id=f"d-{case_id}",
        case_id=case_id,
        created=ARRIVED + timedelta(minutes=1),
        status=DraftStatus.OK if report else DraftStatus.FAILED,
        model=MODEL,
        raw_text="<obj>",
        report=report,
        failure=failure,
        seconds=(StageSeconds("generate", 0.5),),
    )


@pytest.fixture
def store(tmp_path):
    """Case c1 with a draft, c2 with a failed one, c3 with none."""
    path = tmp_path / "pilot.duckdb"
    with Store.open(path, now=lambda: ARRIVED + timedelta(minutes=2)) as opened:
        for case_id in ("c1", "c2", "c3"):
            opened.register(case_of(case_id), agent="test", role="importer")
        opened.record_draft(draft_of("c1", REPORT), agent="test")
        opened.record_draft(draft_of("c2", None), agent="test")
    return path


def answer(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def decisions(tmp_path, entries):
    path = tmp_path / "decisions.json"
    path.write_text(json.dumps(entries))
    return path


KEPT = [{"index": 0, "decision": "keep"}, {"index": 1, "decision": "keep"}]


def test_cases_lists_where_each_case_stands(store, capsys):
    code, out, _ = answer(capsys, "cases", "--json", "--store", store)
    rows = {row["case_id"]: row for row in json.loads(out)["cases"]}
    assert code == Exit.OK
    assert rows["c1"]["status"] == "preliminary"
    assert rows["c2"]["draft"] == {"draft_id": "d-c2", "status": "failed"}
    assert rows["c3"]["draft"] is None
    code, out, _ = answer(capsys, "cases", "--store", store)
    assert out.count("\n") == 4
    assert "draft failed" in out


def test_show_in_json_and_in_words(store, capsys):
    code, out, _ = answer(capsys, "show", "c1", "--json", "--store", store)
    shown = json.loads(out)
    assert code == Exit.OK
    assert shown["draft"]["report"]["sentences"][0]["citations"] == [
        {"note_id": "n1", "start": 0, "end": 6, "quote": "Nodule"}
    ]
    _, out, _ = answer(capsys, "show", "c1", "--store", store)
    assert "[0.500 0.250 0.750 0.500]" in out
    assert "reduced, not de-identified" in out
    _, out, _ = answer(capsys, "show", "c2", "--store", store)
    assert "failed (parse): the answer is no report" in out


def test_an_unknown_case_is_one_sentence_with_a_way_out(store, capsys):
    code, out, err = answer(capsys, "show", "c9", "--store", store)
    assert (code, out) == (Exit.NOT_FOUND, "")
    assert "overread cases" in err


def test_a_signature_is_recorded_and_counted(store, tmp_path, capsys):
    entries = [KEPT[0], {"index": 1, "decision": "delete", "reason": "not_relevant"}]
    signing = ("sign", "c1", "--reader", "r1", "--decisions", decisions(tmp_path, entries), "--store", store)
    code, out, _ = answer(capsys, *signing, "--active-seconds", "40", "--json")
    signed = json.loads(out)
    assert code == Exit.OK
    assert signed["overridden"] is True
    assert signed["decisions"] == [{"index": 0, "decision": "kept"}, {"index": 1, "decision": "deleted"}]
    _, out, _ = answer(capsys, "kpi", "--json", "--store", store)
    figures = json.loads(out)
    assert (figures["override"]["value"], figures["override"]["n"]) == (1.0, 1)
    assert figures["reading_time_s"]["value"] == 40.0
    assert figures["failed"]["count"] == 1
    _, out, _ = answer(capsys, "kpi", "--store", store)
    assert "override: 1 (95 % interval" in out
    assert "Override: signed reviews" in out


def test_signing_twice_under_one_key_signs_once(store, tmp_path, capsys):
    signing = ("sign", "c1", "--reader", "r1", "--decisions", decisions(tmp_path, KEPT), "--store", store)
    first, out, _ = answer(capsys, *signing, "--review-id", "k1", "--json")
    again, same, _ = answer(capsys, *signing, "--review-id", "k1", "--json")
    assert (first, again) == (Exit.OK, Exit.OK)
    assert json.loads(out)["sequence"] == json.loads(same)["sequence"]


def test_a_second_signature_must_say_that_it_amends(store, tmp_path, capsys):
    signing = ("sign", "c1", "--reader", "r1", "--decisions", decisions(tmp_path, KEPT), "--store", store)
    code, _, err = answer(capsys, *signing, "--amend")
    assert code == Exit.WRONG_USE
    assert "no signed review" in err
    assert answer(capsys, *signing)[0] == Exit.OK
    code, _, err = answer(capsys, *signing)
    assert code == Exit.ANSWER_IS_NO
    assert "--amend" in err
    assert answer(capsys, *signing, "--amend")[0] == Exit.OK
    _, out, _ = answer(capsys, "cases", "--json", "--store", store)
    assert json.loads(out)["cases"][0]["status"] == "amended"


def test_a_case_whose_draft_failed_is_signed_with_the_readers_own_sentences(store, tmp_path, capsys):
    own = decisions(tmp_path, [{"decision": "add", "text": "No acute finding.", "reason": "missed_finding"}])
    code, out, _ = answer(capsys, "sign", "c2", "--reader", "r1", "--decisions", own, "--store", store, "--json")
    assert code == Exit.OK
    assert json.loads(out)["draft_id"] is None
    _, out, _ = answer(capsys, "kpi", "--json", "--store", store)
    usable = json.loads(out)["not_usable_as_drafted"]
    assert (usable["count"], usable["n"]) == (1, 1)  # the failure stays in the open after the signature


def test_the_ledger_is_verified_and_an_edited_row_is_found(store, capsys):
    code, out, _ = answer(capsys, "audit", "verify", "--json", "--store", store)
    found = json.loads(out)
    assert code == Exit.OK
    assert set(found) == {"ok", "events", "head", "first_bad"}
    assert found["ok"] is True
    with duckdb.connect(store) as connection:
        connection.execute("UPDATE events SET agent = 'nobody' WHERE sequence = 2")
    code, out, _ = answer(capsys, "audit", "verify", "--json", "--store", store)
    assert code == Exit.ANSWER_IS_NO
    assert json.loads(out)["first_bad"] == 2
    code, out, _ = answer(capsys, "audit", "verify", "--store", store)
    assert "does not hold: event 2" in out


def test_a_saved_head_finds_a_tail_that_was_cut_off(store, tmp_path, capsys):
    _, head, _ = answer(capsys, "audit", "head", "--store", store)
    anchor = tmp_path / "head.json"
    anchor.write_text(head)
    code, _, _ = answer(capsys, "audit", "verify", "--anchor", anchor, "--store", store)
    assert code == Exit.OK
    anchor.write_text(json.dumps(json.loads(head) | {"sequence": 99}))
    code, out, _ = answer(capsys, "audit", "verify", "--anchor", anchor, "--store", store, "--json")
    assert code == Exit.ANSWER_IS_NO
    assert json.loads(out)["ok"] is False
    anchor.write_text("not a head")
    code, out, err = answer(capsys, "audit", "verify", "--anchor", anchor, "--store", store)
    assert (out, err.count("\n")) == ("", 1)
    assert code == Exit.ANSWER_IS_NO


def test_a_store_that_another_process_holds_is_named_in_words(store, capsys):
    program = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path; from cases.store import Store\n"
        "with Store.open(Path(sys.argv[1]), now=lambda: datetime.now(UTC)): print('held', flush=1); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        code, out, err = answer(capsys, "cases", "--store", store)
    finally:
        holder.communicate("")
    assert (code, out) == (Exit.STORE_BUSY, "")
    assert str(holder.pid) in err
    assert answer(capsys, "cases", "--store", store)[0] == Exit.OK


def test_output_into_a_closed_pipe_is_no_error(store):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "dashboard.cli", "show", "c1", "--json", "--store", str(store)],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
