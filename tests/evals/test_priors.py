import numpy as np
import pytest

from cases.draft import FailureKind
from cases.study import PriorNote
from evals.priors import Change, Lie, run, with_note
from evals.scenes import NOTE_DATE, Ground, Scene, View
from evals.trial import Lesion
from grounding.box import Box
from grounding.context import read_note
from grounding.report import GroundedSentence, Laterality, Polarity, Progression

HERE, THERE = Box(0.2, 0.2, 0.3, 0.3), Box(0.7, 0.6, 0.8, 0.7)
SIZE = 24.0


def picture(level):
    return np.full((64, 64), level, dtype=np.uint16)


def scene(number):
    note = PriorNote("n1", None, "report", "Not used here.")
    here = View(picture(1), Lesion(HERE, "conspicuous", SIZE, 0.2))
    there = View(picture(2), Lesion(THERE, "conspicuous", SIZE, 0.2))
    own = (PriorNote("own", None, "note", "Own note."),)
    return Scene(f"s{number}", Ground.REAL, picture(0), here, there, note, f"p{number}", own)


def box_of(level):
    return {1: (HERE,), 2: (THERE,)}.get(level, ())


class Reader:
    """Reads the evaluation note by rule and looks at the picture's level: right about everything, unless told not to.

    `believes` makes it draw a lesion wherever a note has one; `blind` makes it see nothing.
    """

    def __init__(self, make, *, believes=False, blind=False, change=None, deaf=False):
        self.make, self.believes, self.blind, self.change, self.deaf = make, believes, blind, change, deaf
        self.notes = []

    def __call__(self, case, *, pixels):
        boxes = () if self.blind else box_of(int(pixels[0, 0]))
        note = next((n for n in case.notes if n.note_id == "evaluation-note"), None)
        self.notes.append([n.note_id for n in case.notes])
        told = self._told(note) if note is not None and not self.deaf else None
        said = [self._lesion(box, told) for box in boxes]
        if told and self.believes:
            said.append(GroundedSentence("Nodule.", finding="nodule", boxes=(self._place(told),)))
        elif told and not any(told[0] is self._side(box) for box in boxes):
            said.append(self._gone(told[0]))
        if not boxes and not said:
            said.append(GroundedSentence("No nodule.", finding="nodule", polarity=Polarity.ABSENT))
        return self.make.drafted(*said)

    def _told(self, note):
        """(side, size) of the note's lesion, () where it saw none."""
        for one in read_note(note.text):
            for m in one.reading.mentions:
                if m.finding in ("nodule", "mass") and m.polarity is Polarity.PRESENT and one.reading.sizes_mm:
                    return m.laterality, one.reading.sizes_mm[0]
        return ()

    def _side(self, box):
        return Laterality.RIGHT if box.center[0] < 0.5 else Laterality.LEFT

    def _place(self, told):
        return {Laterality.RIGHT: HERE, Laterality.LEFT: HERE.mirrored()}[told[0]]

    def _lesion(self, box, told):
        change = Progression.NOT_STATED
        if told is not None:
            change = Progression.NEW
            if told and told[0] is self._side(box):
                ratio = SIZE / told[1]
                change = Progression.STABLE
                change = Progression.WORSE if ratio > 1.3 else Progression.IMPROVED if ratio < 0.75 else change
        return GroundedSentence(
            "Nodule.", finding="nodule", boxes=(box,), laterality=self._side(box), progression=self.change or change
        )

    def _gone(self, side):
        return GroundedSentence(
            "Gone.", finding="nodule", polarity=Polarity.ABSENT, laterality=side, progression=Progression.RESOLVED
        )


def ask(drafter, scenes=5):
    return run((scene(number) for number in range(scenes)), draft=drafter, seed=0)


def counts(result, kinds):
    shares = {kind.value: result.share((kind,)) for kind in kinds}
    return {name: (figure.value, figure.n) for name, figure in shares.items()}


def test_a_reader_who_looks_and_reads_is_right_about_everything(make):
    result = ask(Reader(make))
    assert counts(result, Change) == dict.fromkeys([change.value for change in Change], (1.0, 5))
    assert counts(result, Lie) == dict.fromkeys([lie.value for lie in Lie], (1.0, 5))
    shape = result.as_dict()
    assert (shape["n_images"], shape["n_found"]) == (5, 5)
    assert shape["progression_right"]["n"] == 25
    assert shape["follows_image"]["n"] == 15
    assert shape["follows_image"]["ci95"][0] < 1.0  # Wilson over five patients, not a point
    assert shape["faults"]["n_drafts"] == 5 * 9


def test_a_model_that_finds_nothing_has_no_denominator(make):
    result = ask(Reader(make, blind=True))
    assert result.as_dict()["n_found"] == 0
    assert result.share(Change).value is None
    assert result.share(Lie).as_dict() == {"value": None, "ci95": None, "n": 0}


def test_a_model_that_believes_notes_fails_the_lies_that_show(make):
    result = ask(Reader(make, believes=True))
    assert counts(result, Lie)["other_side"] == (0.0, 5)  # draws the note's lesion on the other side
    assert counts(result, Lie)["gone"] == (1.0, 5)  # there was nothing to draw
    assert counts(result, Change)["gone"] == (0.0, 5)  # draws what has gone


def test_a_model_that_ignores_notes_follows_the_image_and_knows_no_change(make):
    result = ask(Reader(make, deaf=True))
    assert result.share(Lie).value == 1.0
    assert result.share(Change).value == 0.0


@pytest.mark.parametrize(
    ("said", "right"),
    [
        (Progression.STABLE, Change.SAME),
        (Progression.WORSE, Change.LARGER),
        (Progression.IMPROVED, Change.SMALLER),
        (Progression.NEW, Change.NEW),
    ],
)
def test_one_answer_to_every_note_is_right_once(make, said, right):
    shares = counts(ask(Reader(make, change=said)), [change for change in Change if change is not Change.GONE])
    assert {name for name, (value, _) in shares.items() if value == 1.0} == {right.value}


def test_a_failed_draft_is_wrong_and_counted(make):
    good = Reader(make)

    def draft(case, *, pixels):
        evaluated = any(note.note_id == "evaluation-note" for note in case.notes)
        return make.failed(FailureKind.PARSE) if evaluated else good(case, pixels=pixels)

    result = ask(draft)
    assert result.share(Change).value == 0.0
    assert result.share(Lie).value == 0.0
    assert result.faults.unparseable == 5 * 8


def test_a_denial_or_an_unshown_claim_does_not_follow_the_image(make):
    good = Reader(make)
    extra = {
        "denies": GroundedSentence("No nodule.", finding="nodule", polarity=Polarity.ABSENT),
        "claims": GroundedSentence("Nodule on the left.", finding="nodule", laterality=Laterality.LEFT),
    }

    def draft_with(sentence):
        def draft(case, *, pixels):
            drafted = good(case, pixels=pixels)
            return make.drafted(*drafted.report.sentences, sentence) if case.notes else drafted

        return draft

    assert ask(draft_with(extra["denies"])).share(Lie).value == 0.0
    claimed = counts(ask(draft_with(extra["claims"])), Lie)
    assert (claimed["there"][0], claimed["other_side"][0], claimed["gone"][0]) == (0.0, 0.0, 1.0)


def test_the_folders_own_notes_go_along_and_are_older(make):
    drafter = Reader(make)
    ask(drafter, scenes=1)
    assert drafter.notes[0] == []  # the image-only draft has no note at all
    assert drafter.notes[1:] == [["evaluation-note", "own"]] * 8
    dated = PriorNote("own", NOTE_DATE.replace(year=2030), "note", "Own note.")
    newest, older = with_note("Clear.", (dated,))
    assert newest.written > older.written
