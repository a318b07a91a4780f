"""Planted conflicts judged on readers that look and read, that are blind, that obey the note, or that say nothing."""

from __future__ import annotations

import numpy as np
import pytest

from cases.draft import FailureKind
from cases.study import PriorNote
from evals.conflict import run
from evals.conflict_cases import FAR_ZONE, NOTE_DATE, ConflictCase, Planted, phantom_cases, with_notes
from evals.note_wording import remark_on
from evals.trial import Lesion, Trial, image_of, trial_case
from grounding.box import Box
from grounding.conflict import conflicts
from grounding.findings import Finding
from grounding.report import GroundedReport, GroundedSentence, Laterality, Polarity, Progression
from grounding.told import Place, told

STATES = frozenset({Finding.NODULE, Finding.MASS, Finding.EFFUSION})
NOTHING = GroundedSentence("No focal nodule or mass.", finding="nodule", polarity=Polarity.ABSENT)


@pytest.fixture(scope="module")
def cases() -> tuple[ConflictCase, ...]:
    return tuple(phantom_cases(n=8, seed=5))


def nodule(box: Box, change: Progression = Progression.NOT_STATED) -> GroundedSentence:
    where = remark_on(box, size_mm=20)
    text = f"Nodule in the {where.side} {where.zone} zone."
    side = Laterality(where.side)
    return GroundedSentence(
        text, finding="nodule", laterality=side, location=f"{where.zone} zone", progression=change, boxes=(box,)
    )


class Reader:
    """Draws the truth of the picture, unless it is blind; where it obeys, it denies what its note denies."""

    def __init__(self, make, cases, *, blind=(), obeys=False, fails=False):
        self.make, self.blind, self.obeys, self.fails = make, blind, obeys, fails
        self.truth = {one.trial.case.image.sha256: one.trial.lesions for one in cases}
        self.notes = []

    def __call__(self, case, *, pixels):
        self.notes.append(tuple(note.text for note in case.notes))
        if self.fails and case.notes:
            return self.make.failed(FailureKind.PARSE)
        lesions = () if case.case_id in self.blind else self.truth[case.image.sha256]
        denied = self.obeys and any(one.denies(Finding.NODULE, Place()) for one in self._told(case))
        return self.make.drafted(*([nodule(one.box) for one in lesions if not denied] or [NOTHING]))

    def _told(self, case):
        return told({note.note_id: note.text for note in case.notes})


def figures(cases, drafter, states=STATES):
    return run(cases, draft=drafter, states=states, ground="simulated", seed=0).as_dict()


def test_cases_come_by_turns_and_say_what_they_are_asked_to(cases):
    assert [one.planted for one in cases] == [*Planted, *Planted]
    assert len({one.trial.patient for one in cases}) == 8
    for one in cases:
        assert bool(one.trial.lesions) is one.planted.shows_nodule
        assert one.statement in one.conflicting.text
        assert one.conflicting.written == one.clean.written == NOTE_DATE
        assert one.statement not in one.clean.text
        assert not one.trial.case.notes  # the truth and the notes stand beside the case


def test_the_planted_place_is_never_one_that_the_nodule_may_be_at():
    for one in phantom_words(120):
        if not one.planted.shows_nodule:
            continue
        now = remark_on(one.trial.lesions[0].box, size_mm=20)
        (said,) = {each.place for each in told({"n": one.statement})}
        (level,) = said.levels
        if one.planted is Planted.WRONG_SIDE:
            assert (said.side.value, level) == (now.other_side.side, now.zone)
        elif said.side.value == now.side:
            assert level == FAR_ZONE[now.zone]
        else:
            assert level != now.zone


def test_who_looks_and_reads_sees_every_conflict_and_raises_no_alarm(make, cases):
    reader = Reader(make, cases)
    result = figures(cases, reader)
    assert (result["n_conflicts"], result["n_clean_twins"], result["n_patients"]) == (8, 8, 8)
    assert result["recall_overall"]["value"] == result["recall_right_alone"]["value"] == 1.0
    assert result["recall_found_lesions"] == {**result["recall_found_lesions"], "value": 1.0, "n": 4}
    assert result["false_alarms"]["value"] == 0.0
    assert result["named_among_seen"]["value"] == 1.0
    assert result["holds"] == {"recall_found_lesions": True, "false_alarms": True}
    assert result["faults"]["n_drafts"] == 24
    assert reader.notes[:3] == [(), (cases[0].conflicting.text,), (cases[0].clean.text,)]


def test_a_model_that_never_states_effusions_sees_no_conflict_about_them(make, cases):
    result = figures(cases, Reader(make, cases), STATES - {Finding.EFFUSION})
    assert result["by_kind"]["resolved_effusion"]["recall_overall"]["value"] == 0.0
    assert result["by_kind"]["stale_nodule"]["recall_overall"]["value"] == 1.0
    assert result["silence_counts_for"] == ["mass", "nodule"]


def test_missed_nodules_are_false_alarms_and_stand_apart_from_recall(make, cases):
    blind = {one.trial.case.case_id for one in cases if one.planted.shows_nodule}
    result = figures(cases, Reader(make, cases, blind=blind))
    assert result["recall_found_lesions"]["value"] is None  # nothing was found: nothing is measured
    assert result["right_alone"]["value"] == 0.5
    told_of = sum(one.planted.shows_nodule and one.history is not Progression.NEW for one in cases)
    assert result["false_alarms"]["value"] == told_of / 8
    assert result["false_alarms_right_alone"]["value"] == 0.0
    assert result["holds"]["recall_found_lesions"] is None


def test_a_model_that_obeys_a_note_of_none_is_flagged(make, cases):
    new = [one for one in cases if one.planted.shows_nodule]
    result = figures(new, Reader(make, new, obeys=True))
    expected = sum(one.history is Progression.NEW for one in new) / len(new)
    assert result["false_alarms_by_history"].get("new", {"value": 1.0})["value"] == 1.0
    assert result["false_alarms"]["value"] == expected


def test_a_failed_draft_raises_nothing_and_is_counted(make, cases):
    result = figures(cases, Reader(make, cases, fails=True))
    assert result["recall_overall"]["value"] == 0.0
    assert result["faults"]["unparseable"]["count"] == 16


@pytest.mark.parametrize(("states", "alarms"), [(STATES, 1.0), (STATES - {Finding.EFFUSION}, 0.0)])
def test_an_effusion_that_the_model_does_not_see_is_a_false_alarm_where_its_silence_counts(make, cases, states, alarms):
    trial = cases[3].trial
    note = PriorNote("n", NOTE_DATE, "report", "Old report: effusion, small.")
    effusion = GroundedSentence("Pleural effusion.", finding="effusion")

    def asked(*said):
        draft = lambda case, *, pixels: make.drafted(*said)  # noqa: E731
        return run((), draft=draft, states=states, ground="", seed=0, effusions=[(trial, note)]).as_dict()

    blind, sees = asked(NOTHING), asked(NOTHING, effusion)
    assert blind["labelled_effusions"]["false_alarms"]["value"] == alarms
    assert blind["labelled_effusions"]["stated"]["value"] == 0.0
    assert sees["labelled_effusions"]["false_alarms"]["value"] == 0.0
    assert sees["labelled_effusions"]["stated"]["value"] == 1.0


def test_nothing_asked_is_nothing_measured(make):
    result = figures((), Reader(make, ()))
    assert result["recall_overall"] == result["false_alarms"] == {"value": None, "ci95": None, "n": 0}
    assert result["holds"] == {"recall_found_lesions": None, "false_alarms": None}


def test_the_rules_alone_see_all_planted_conflicts_and_no_clean_twin():
    """The rules without a model: the picture's truth in words, against 120 pairs of notes."""
    for one in phantom_words(120):
        alone = GroundedReport(tuple(nodule(lesion.box) for lesion in one.trial.lesions) or (NOTHING,))
        planted = conflicts(alone, image_only=alone, notes={"n": one.conflicting.text}, states=STATES)
        assert any(each.note_says in one.statement or one.statement in each.note_says for each in planted), one
        assert conflicts(alone, image_only=alone, notes={"n": one.clean.text}, states=STATES) == (), one.clean.text


def phantom_words(n):
    """Cases with places of lesions drawn at will and no picture made: only words and boxes are asked about."""
    pixels = np.zeros((64, 64), dtype=np.uint16)
    for index in range(n):
        planted, random = tuple(Planted)[index % 4], np.random.default_rng(index)
        x, y = random.choice([0.25, 0.75]), random.choice([0.2, 0.4, 0.7])
        lesions = (Lesion(Box(x - 0.05, y - 0.05, x + 0.05, y + 0.05), "conspicuous", 24.0, 0.2),)
        case = trial_case(f"c{index}", image_of(pixels, view="PA", simulated=True))
        yield with_notes(planted, Trial(case, pixels, f"p{index}", lesions if planted.shows_nodule else ()), random)
