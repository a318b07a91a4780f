"""A pilot of eight cases in a real store, small enough to count by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cases.audit import Action
from cases.draft import DraftStatus, FailureKind
from cases.evidence import DraftEvidence, SentenceEvidence
from cases.review import Arm, Decision, Reason, Review, SentenceReview
from cases.second_read import SecondRead, Verdict
from cases.store import Store
from cases.study import CaseStatus
from evals.kpi import SQL_FOLDER, definition, pilot_kpis
from evals.trial import image_of, trial_case
from grounding.report import GroundedSentence, Polarity
from grounding.triggers import Action as Ask
from grounding.triggers import Comparison, FactName, Trigger

DAWN = datetime(2024, 5, 1, 8, tzinfo=UTC)
NODULE = GroundedSentence("A nodule.", finding="nodule")
NO_EFFUSION = GroundedSentence("No effusion.", finding="effusion", polarity=Polarity.ABSENT)
KEPT = [SentenceReview(n, Decision.KEPT, s, s) for n, s in enumerate((NODULE, NO_EFFUSION))]
DELETED = SentenceReview(0, Decision.DELETED, NODULE, None, Reason.FALSE_POSITIVE)
REWORDED = SentenceReview(0, Decision.REWORDED, NODULE, replace(NODULE, text="One nodule."), Reason.STYLE_ONLY)
CORRECTED = SentenceReview(0, Decision.CORRECTED, NODULE, replace(NODULE, finding="mass"), Reason.WRONG_SEVERITY)
ADDED = SentenceReview(0, Decision.ADDED, None, NODULE, Reason.MISSED_FINDING)


class Pilot:
    """Writes cases, drafts and signatures into a store; every time is a number of seconds after dawn."""

    def __init__(self, store, make):
        self.store, self.make = store, make

    def case(self, name, *, draft="ok"):
        image = image_of(np.zeros((4, 4), dtype=np.uint16), view="PA", simulated=True)
        case = replace(trial_case(name, image), received=DAWN, patient_pseudonym=f"pseudonym-{name}")
        if draft == "abstained":
            case = replace(case, status=CaseStatus.ABSTAINED, abstention="a lateral view")
        self.store.register(case, agent="test", role="system")
        written = {
            "ok": lambda: self.make.drafted(NODULE, NO_EFFUSION),
            "failed": lambda: self.make.failed(FailureKind.PARSE),
            "abstained": lambda: self.make.abstained("a lateral view"),
        }
        if draft in written:
            self.store.record_draft(replace(written[draft](), draft_id=f"draft-{name}", case_id=name), agent="test")

    def sign(self, name, *sentences, after, active, shown=True, arm=Arm.AI_FIRST, supersedes=None):
        signed = DAWN + timedelta(seconds=after)
        review = Review(
            review_id=f"review-{name}" if supersedes is None else f"{supersedes}-again",
            case_id=name,
            draft_id=f"draft-{name}" if shown else None,
            reader_id="reader-1",
            arm=arm,
            opened=signed - timedelta(seconds=active),
            signed=signed,
            active_s=float(active),
            sentences=tuple(sentences),
            supersedes=supersedes,
        )
        self.store.sign(review, agent_role="reader")


@pytest.fixture
def pilot(tmp_path, make):
    with Store.open(tmp_path / "pilot.duckdb", now=lambda: DAWN) as store:
        yield Pilot(store, make)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, make):
    with Store.open(tmp_path_factory.mktemp("whole") / "pilot.duckdb", now=lambda: DAWN) as store:
        pilot = Pilot(store, make)
        eight_cases(pilot)
        yield pilot


def eight_cases(pilot):
    """A kept, B deleted, C reworded, D failed, read by hand, E abandoned, F waiting, G out of scope, H without AI."""
    for name in "ABCEFH":
        pilot.case(name)
    pilot.case("D", draft="failed")
    pilot.case("G", draft="abstained")
    pilot.sign("A", *KEPT, after=3600, active=60)
    pilot.sign("B", DELETED, KEPT[1], after=7200, active=120)
    pilot.sign("C", REWORDED, KEPT[1], after=1800, active=30)
    pilot.sign("D", ADDED, after=600, active=200, shown=False)
    pilot.sign("H", ADDED, after=4000, active=90, shown=False, arm=Arm.NO_AI)
    detail = {"review_id": "review-E"}
    for action in (Action.REVIEW_OPENED, Action.REVIEW_ABANDONED):
        pilot.store.log(action, agent="reader-1", role="reader", entity="E", detail=detail)


@pytest.mark.parametrize(
    ("name", "count", "total"),
    [
        ("override", 1, 3),  # B of A, B, C; reworded is style, D and H had no draft shown
        ("not_usable_as_drafted", 3, 5),  # B, D, E of A to E; F waits, G is out of scope, H had no AI
        ("discordance", 1, 3),  # nodules of A, B, C: B's was deleted; absent effusions are not stated as present
        ("failed", 1, 7),  # D of A to F and H
        ("abandoned", 1, 6),  # E of E and the five signed
    ],
)
def test_shares_by_hand(whole, name, count, total):
    kpi = getattr(pilot_kpis(whole.store), name)
    assert (kpi.count, kpi.figure.n) == (count, total)
    assert kpi.figure.value == pytest.approx(count / total)
    assert kpi.figure.ci95[0] < kpi.figure.value < kpi.figure.ci95[1]


def test_medians_by_hand(whole):
    kpis = pilot_kpis(whole.store)
    assert (kpis.turnaround_s.figure.value, kpis.turnaround_s.figure.n) == (3600.0, 5)  # 600 1800 3600 4000 7200
    assert (kpis.reading_time_s.figure.value, kpis.reading_time_s.figure.n) == (90.0, 5)  # 30 60 90 120 200
    low, high = kpis.turnaround_s.figure.ci95
    assert 600 <= low <= 3600 <= high <= 7200


def test_burden_by_hand(whole):
    burden = pilot_kpis(whole.store).review_burden.figure
    assert (burden.value, burden.n) == (2 / 5, 5)  # B deletes one, C rewords one; accepted 2 + 1 + 2


def test_what_is_counted_apart(whole):
    apart = pilot_kpis(whole.store).apart
    assert (apart.waiting, apart.out_of_scope, apart.signed_without_draft) == (1, 1, 2)  # F; G; D and H


def test_discordance_names_the_finding(whole):
    ((finding, rate),) = pilot_kpis(whole.store).discordance.findings
    assert (finding, rate.count, rate.total) == ("nodule", 1, 3)


def test_an_amendment_counts_once_and_as_it_stands(pilot):
    pilot.case("A")
    pilot.sign("A", *KEPT, after=100, active=10)
    assert pilot_kpis(pilot.store).override.count == 0
    pilot.sign("A", CORRECTED, KEPT[1], after=900, active=500, supersedes="review-A")
    kpis = pilot_kpis(pilot.store)
    assert (kpis.override.count, kpis.override.figure.n) == (1, 1)
    assert kpis.turnaround_s.figure.value == 100.0  # the first signature
    assert kpis.reading_time_s.figure.value == 10.0
    # the draft says nodule, the final says mass: two findings, both stated by one side only
    assert {finding: (rate.count, rate.total) for finding, rate in kpis.discordance.findings} == {
        "nodule": (1, 1),
        "mass": (1, 1),
    }


def measured(pilot, name, *actions):
    """Evidence of a case's draft, with one trigger of each action."""
    triggers = tuple(
        Trigger(
            action.value.replace("_", "-"), 1, action, "Look again.", FactName.VIOLATION, 1.0, Comparison.AT_LEAST, 1.0
        )
        for action in actions
    )
    sentences = (SentenceEvidence(0), SentenceEvidence(1))
    evidence = DraftEvidence(f"e-{name}", f"draft-{name}", name, DAWN, sentences, "0" * 64, triggers=triggers)
    pilot.store.record_evidence(evidence, agent="test")


def test_who_was_asked_to_look_again_is_counted_among_the_measured(pilot):
    for name in "ABCDE":
        pilot.case(name)
    measured(pilot, "A", Ask.BLOCK, Ask.SECONDARY_REVIEW)  # counts once
    measured(pilot, "B", Ask.SECONDARY_REVIEW)
    measured(pilot, "C", Ask.INFORM)
    measured(pilot, "D", Ask.BLOCK)  # never signed
    for name in "ABCE":  # E was never measured
        pilot.sign(name, *KEPT, after=100, active=10)
    kpis = pilot_kpis(pilot.store)
    assert (kpis.secondary_review.count, kpis.secondary_review.figure.n) == (2, 3)
    assert kpis.apart.waiting_for_second_read == 1  # A
    assert kpis.apart.waiting == 1  # D, for its first reader; A is signed
    assert (kpis.override.figure.n, kpis.turnaround_s.figure.n) == (4, 4)  # A counts by its first signature


def test_a_second_read_moves_no_figure_of_the_first(pilot):
    pilot.case("A")
    measured(pilot, "A", Ask.BLOCK)
    pilot.sign("A", DELETED, KEPT[1], after=100, active=10)
    before = pilot_kpis(pilot.store).as_dict()
    second = SecondRead("s", "review-A", "A", "reader-2", Verdict.AGREE, None, DAWN + timedelta(seconds=900))
    pilot.store.record_second_read(second, agent_role="reader")
    after = pilot_kpis(pilot.store).as_dict()
    assert before.pop("apart")["waiting_for_second_read"] == 1
    assert after.pop("apart")["waiting_for_second_read"] == 0
    assert after == before


def test_a_second_draft_that_succeeds_makes_the_case_usable(pilot):
    pilot.case("D", draft="failed")
    before = pilot_kpis(pilot.store)
    assert before.not_usable_as_drafted.figure.value == 1.0
    assert before.apart.waiting == 0  # it is in the rate already
    retried = replace(pilot.make.drafted(NODULE, NO_EFFUSION), draft_id="draft-D2", case_id="D")
    assert retried.status is DraftStatus.OK
    pilot.store.record_draft(retried, agent="test")
    kpis = pilot_kpis(pilot.store)
    assert kpis.not_usable_as_drafted.figure.n == 0
    assert kpis.apart.waiting == 1  # for a reader now
    assert (kpis.failed.count, kpis.failed.figure.n) == (1, 2)  # and the failure stays counted


def test_a_failed_draft_of_a_case_read_without_ai_is_counted_apart(pilot):
    pilot.case("I", draft="failed")
    pilot.sign("I", ADDED, after=60, active=30, shown=False, arm=Arm.NO_AI)
    kpis = pilot_kpis(pilot.store)
    assert kpis.not_usable_as_drafted.figure.n == 0
    assert (kpis.failed.count, kpis.apart.signed_without_draft) == (1, 1)


def test_an_empty_pilot_measures_nothing(pilot):
    told = pilot_kpis(pilot.store).as_dict()
    shares = ("override", "not_usable_as_drafted", "discordance", "failed", "secondary_review")
    for name in (*shares, "turnaround_s", "reading_time_s"):
        assert (told[name]["value"], told[name]["ci95"], told[name]["n"]) == (None, None, 0)
    assert told["apart"] == {
        "waiting": 0,
        "out_of_scope": 0,
        "signed_without_draft": 0,
        "waiting_for_second_read": 0,
    }


def test_every_sql_file_opens_with_its_definition():
    files = sorted(SQL_FOLDER.glob("*.sql"))
    assert len(files) == 10
    for file in files:
        words = definition(file.stem)
        assert len(words.split()) > 12, file.name
        assert "--" not in words


def test_every_figure_shows_its_definition(whole):
    told = pilot_kpis(whole.store).as_dict()
    assert told["override"]["definition"].startswith("Override: signed reviews")
    assert told["turnaround_s"]["unit"] == "seconds"
    assert all("definition" in figure for name, figure in told.items() if name != "apart")
