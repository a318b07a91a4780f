import dataclasses
from datetime import timedelta

import numpy as np
import pytest

from cases.draft import FailureKind
from cases.study import InputName
from evals.acquisition import Acquisition, drawn, taken
from evals.insertion import NoPlaceError, Tier, insert_sizes
from evals.longitudinal import ANSWERS, NOT_USED, Way, run, ways_of
from evals.longitudinal_figures import paired_difference
from evals.longitudinal_scenes import (
    CHANGES,
    STUDY_DAY,
    THEN,
    LongitudinalScene,
    real_scenes,
    simulated_scenes,
)
from evals.lung_field import lung_field
from evals.matching import points_at
from evals.scenes import Ground
from evals.trial import Lesion
from grounding.box import Box
from grounding.context import read_note
from grounding.report import GroundedSentence, Laterality, Polarity, Progression
from vlm.families import family_named

HERE = Box(0.2, 0.2, 0.3, 0.3)  # image left: the patient's right
NOW_MM = 24.0
THEN_MM = {
    Progression.NEW: None,
    Progression.WORSE: 12.0,
    Progression.STABLE: 24.0,
    Progression.IMPROVED: 45.0,
    Progression.RESOLVED: 24.0,
}
READS = dataclasses.replace(family_named("overread"), unused=())
BLIND = dataclasses.replace(family_named("overread"), unused=(InputName.PRIOR_IMAGE,))


def picture(level):
    return np.full((64, 64), level, dtype=np.uint16)


def scene(number):
    """The lesion's size stands in the grey level: a fake reader can read it off."""
    return LongitudinalScene(
        scene_id=f"s{number}",
        ground=Ground.REAL,
        patient=f"p{number}",
        view_position="PA",
        now=picture(int(NOW_MM)),
        without=picture(0),
        lesion=Lesion(HERE, "conspicuous", NOW_MM, 0.2),
        priors={change: picture(int(size or 0)) for change, size in THEN_MM.items()},
        then_mm=THEN_MM,
        acquired_then=STUDY_DAY - timedelta(days=90),
    )


class Reader:
    """Sees sizes in the grey levels of both pictures and reads the note by rule; each can be shut off.

    `believes`: where there are both, it judges by "image" or by "note".
    """

    def __init__(self, make, *, eyes=True, ears=True, blind=False, says=None):
        self.make, self.eyes, self.ears, self.blind, self.says = make, eyes, ears, blind, says
        self.cases = []

    def __call__(self, case, *, pixels):
        self.cases.append((case, pixels))
        now = 0 if self.blind else int(pixels.current[0, 0])
        then = self._then(case, pixels)
        if now:
            return self.make.drafted(self._lesion(now, then))
        if then:
            return self.make.drafted(
                GroundedSentence(
                    "Gone.",
                    finding="nodule",
                    polarity=Polarity.ABSENT,
                    laterality=Laterality.RIGHT,
                    progression=self.says or Progression.RESOLVED,
                )
            )
        return self.make.drafted()

    def _then(self, case, pixels):
        """Size then: 0 for none, None where nothing tells."""
        if pixels.prior is not None and self.eyes:
            return int(pixels.prior[0, 0])
        if case.notes and self.ears:
            sizes = [size for one in read_note(case.notes[0].text) for size in one.reading.sizes_mm]
            return sizes[0] if sizes else 0
        return None

    def _lesion(self, now, then):
        change = Progression.NOT_STATED
        if then is not None:
            ratio = now / then if then else None
            change = Progression.NEW if ratio is None else Progression.STABLE
            if ratio is not None and not 0.69 < ratio < 1.45:
                change = Progression.WORSE if ratio > 1 else Progression.IMPROVED
        return GroundedSentence("Nodule.", finding="nodule", boxes=(HERE,), progression=self.says or change)


def ask(drafter, *, ways=tuple(Way), scenes=4):
    return run((scene(number) for number in range(scenes)), draft=drafter, ways=ways, seed=0, ground="hand-made")


def test_a_reader_who_looks_and_reads_is_right_in_every_way(make):
    result = ask(Reader(make))
    for way in Way:
        assert {c: (result.share(way, c).value, result.share(way, c).n) for c in CHANGES} == dict.fromkeys(
            CHANGES, (1.0, 4)
        )
    shape = result.as_dict()
    assert (shape["n_images"], shape["n_found"], shape["prior_image"]) == (4, 4, "used by this model")
    assert shape["progression_right"]["both"]["ci95"][0] < 1.0  # Wilson over four patients, not a point
    assert shape["prior_image_adds"]["both_less_note"]["value"] == 0.0
    assert shape["confusion"]["prior_image"]["worse"] == {"worse": 4}
    assert shape["faults"]["n_drafts"] == 4 * (1 + 5 * 3)


def test_what_each_way_shows_is_only_what_it_names(make):
    drafter = Reader(make)
    ask(drafter, scenes=1)
    alone, *told = drafter.cases
    assert (alone[0].notes, alone[0].prior_image, alone[1].prior) == ((), None, None)
    for change, rows in zip(CHANGES, zip(*[iter(told)] * 3, strict=True), strict=True):
        image, note, both = rows
        assert (bool(image[0].prior_image), len(image[0].notes)) == (True, 0)
        assert (note[0].prior_image, len(note[0].notes), note[1].prior) == (None, 1, None)
        assert (bool(both[0].prior_image), len(both[0].notes)) == (True, 1)
        for case, pixels in rows:
            assert int(pixels.current[0, 0]) == (0 if change is Progression.RESOLVED else int(NOW_MM))
            stated = {state.name: state.present for state in case.inputs}
            assert stated[InputName.PRIOR_IMAGE] is (case.prior_image is not None)
            assert stated[InputName.PRIOR_NOTES] is bool(case.notes)
            assert case.image.acquired > (case.notes[0].written if case.notes else case.prior_image.acquired)


def test_what_the_image_adds_is_a_paired_difference(make):
    # Deaf: right by the image in all five changes, by the note in none.
    result = ask(Reader(make, ears=False)).as_dict()
    assert result["progression_right"]["prior_note"]["value"] == 0.0
    assert result["confusion"]["prior_note"]["new"] == {"not_stated": 4}
    assert result["confusion"]["prior_note"]["resolved"] == {"not_shown": 4}
    assert result["prior_image_adds"]["both_less_note"] == {"value": 1.0, "ci95": [1.0, 1.0], "n": 20}
    # Blind to the prior image: the other way round, and the note says all when both are there.
    result = ask(Reader(make, eyes=False)).as_dict()
    assert result["prior_image_adds"]["image_less_note"]["value"] == -1.0
    assert result["prior_image_adds"]["both_less_note"]["value"] == 0.0


def test_a_model_that_never_reads_a_prior_image_is_said_so_and_not_scored_wrong(make):
    assert ways_of(BLIND) == (Way.NOTE,)
    assert ways_of(READS) == tuple(Way)
    drafter = Reader(make, eyes=False)
    result = ask(drafter, ways=ways_of(BLIND)).as_dict()
    assert result["prior_image"] == NOT_USED
    assert result["progression_right"] == {
        "prior_image": NOT_USED,
        "prior_note": result["progression_right"]["prior_note"],
        "both": NOT_USED,
    }
    assert result["progression_right"]["prior_note"]["value"] == 1.0
    assert result["prior_image_adds"] == NOT_USED
    assert all(pixels.prior is None for _, pixels in drafter.cases)


def test_a_lesion_that_is_not_found_is_not_asked_about(make):
    result = ask(Reader(make, blind=True))
    assert (result.found.count, result.found.total, result.verdicts) == (0, 4, ())
    assert result.share(Way.BOTH).value is None
    assert result.difference(Way.BOTH, Way.NOTE).value is None


@pytest.mark.parametrize("said", [change for change in CHANGES if change is not Progression.RESOLVED])
def test_one_answer_to_every_past_is_right_once(make, said):
    result = ask(Reader(make, says=said))
    right = {change for change in CHANGES if result.share(Way.IMAGE, change).value == 1.0}
    assert right == {said}


def test_failed_and_mixed_answers_are_wrong_and_counted(make):
    good = Reader(make)

    def fails(case, *, pixels):
        return make.failed(FailureKind.PARSE) if pixels.prior is not None else good(case, pixels=pixels)

    result = ask(fails)
    assert result.confusion(Way.IMAGE)["stable"] == {"failed": 4}
    assert result.share(Way.NOTE).value == 1.0

    def mixes(case, *, pixels):
        said = good(case, pixels=pixels).report.sentences
        other = GroundedSentence("Nodule.", finding="nodule", boxes=(HERE,), progression=Progression.NEW)
        return make.drafted(*said, other) if pixels.prior is not None else make.drafted(*said)

    confusion = ask(mixes).confusion(Way.BOTH)
    assert confusion["stable"] == {"mixed": 4}
    assert confusion["new"] == {"new": 4}
    assert confusion["resolved"] == {"new": 4}  # it draws the lesion that has gone
    assert {answer for row in confusion.values() for answer in row} <= set(ANSWERS)


def test_resolved_on_the_other_side_is_not_resolved(make):
    wrong = GroundedSentence(
        "Gone.",
        finding="nodule",
        polarity=Polarity.ABSENT,
        laterality=Laterality.LEFT,
        progression=Progression.RESOLVED,
    )
    good = Reader(make)

    def draft(case, *, pixels):
        return good(case, pixels=pixels) if int(pixels.current[0, 0]) else make.drafted(wrong)

    assert ask(draft).confusion(Way.IMAGE)["resolved"] == {"not_shown": 4}


def test_a_paired_difference_by_hand():
    # 3 of 4 less 1 of 4 on the same four
    found = paired_difference([True, True, True, False], [True, False, False, False], list("abcd"), seed=0)
    assert (found.value, found.n) == (0.5, 4)
    assert found.ci95[0] < 0.5 < found.ci95[1]
    assert paired_difference([], [], [], seed=0).value is None
    with pytest.raises(ValueError, match="same things"):
        paired_difference([True], [], ["a"], seed=0)


# ---- the scenes


@pytest.fixture(scope="module")
def chest(thorax):
    pixels = thorax(512)
    return pixels, lung_field(pixels)


def test_one_lesion_in_several_sizes_stays_in_its_place(chest):
    pixels, field = chest
    sizes = (20.0, 10.0, 40.0)
    found = insert_sizes(
        pixels, field=field, tier=Tier.CONSPICUOUS, random=np.random.default_rng(3), diameters_mm=sizes
    )
    middles = np.array([one.lesion.box.center for one in found]) * 512
    assert np.abs(middles - middles[0]).max() < 5  # a lobed margin moves the box's middle a little
    widths = [375 * (one.lesion.box.width + one.lesion.box.height) / 2 for one in found]
    assert widths == pytest.approx(sizes, rel=0.25)
    peaks = [(one.pixels.astype(float) - pixels).max() / 65535 for one in found]
    assert peaks == pytest.approx([found[0].lesion.contrast] * 3, abs=2e-4)
    with pytest.raises(NoPlaceError, match="90 mm"):
        bright = np.full((512, 512), 60000, dtype=np.uint16)
        insert_sizes(
            bright, field=field, tier=Tier.CONSPICUOUS, random=np.random.default_rng(0), diameters_mm=(10.0, 90.0)
        )


def test_another_acquisition_moves_a_point_as_it_says():
    picture_of_a_dot = np.zeros((201, 201), np.uint16)
    picture_of_a_dot[98:103, 148:153] = 65535  # 50 px right of the middle
    moved = taken(picture_of_a_dot, Acquisition((0.05, 0.0), 1.1, 90.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0))
    rows, columns = np.nonzero(moved > 32000)
    # A quarter turn counterclockwise puts it 50 * 1.1 above the middle; the shift brings it 10.05 down.
    assert (rows.mean(), columns.mean()) == pytest.approx((100 - 55 + 10.05, 100), abs=0.6)


def test_another_acquisition_is_mild_and_different_each_time(chest):
    pixels, _ = chest
    random = np.random.default_rng(5)
    others = [taken(pixels, drawn(random)) for _ in range(4)]
    for other in others:
        assert other.shape == pixels.shape
        assert other.dtype == np.uint16
        grey = np.abs(other.astype(float) - pixels).mean() / 65535
        assert 0.005 < grey < 0.2
        assert (
            np.corrcoef(other.ravel(), pixels.ravel())[0, 1] > 0.7
        )  # this chest is all sharp edges, which a shift costs most
    assert not np.array_equal(others[0], others[1])


def check(found):
    assert not np.array_equal(found.now, found.without)
    assert found.then_mm[Progression.NEW] is None
    for change, (low, high) in THEN.items():
        assert low <= found.then_mm[change] / found.lesion.diameter_mm <= high
    assert found.then_mm[Progression.RESOLVED] == found.lesion.diameter_mm
    assert found.acquired_then < STUDY_DAY
    assert set(found.priors) == set(CHANGES)
    rows, columns = found.now.shape
    added = np.argwhere(found.now > found.without)
    middle = added.mean(axis=0)
    assert points_at((middle[1] / columns, middle[0] / rows), found.lesion.box, columns=columns, rows=rows)
    for change in CHANGES:
        assert not np.array_equal(found.priors[change], found.current(change))
    assert found.current(Progression.RESOLVED) is found.without
    assert found.current(Progression.NEW) is found.now


def test_phantom_scenes_hold_what_they_say_and_repeat():
    first, again = (next(iter(simulated_scenes(n=1, seed=4))) for _ in range(2))
    check(first)
    assert np.array_equal(first.priors[Progression.WORSE], again.priors[Progression.WORSE])
    assert first.then_mm == again.then_mm


def test_real_scenes_hold_what_they_say(nih):
    for found in real_scenes(nih, n=2, seed=3):
        check(found)
        assert found.ground is Ground.REAL
