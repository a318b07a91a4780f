import numpy as np
import pytest

from cases.study import PriorNote
from evals.scenes import MOVED_PX_1024, Ground, Scene, View, prior_note, real_scenes, simulated_scenes
from evals.seeing import Test, run
from evals.trial import Lesion
from grounding.box import Box
from grounding.report import Citation, GroundedSentence, Progression

HERE, THERE = Box(0.2, 0.2, 0.3, 0.3), Box(0.7, 0.5, 0.8, 0.6)


def picture(level):
    return np.full((64, 64), level, dtype=np.uint16)


def scene(number, ground=Ground.REAL):
    note = PriorNote("n1", None, "report", "Nodule, right.")
    here, there = View(picture(1), Lesion(HERE, "conspicuous")), View(picture(2), Lesion(THERE, "conspicuous"))
    return Scene(f"s{number}", ground, picture(0), here, there, note)


class SeeingDrafter:
    """Answers by the picture's level (0 none, 1 here, 2 there) and by whether a note came along."""

    def __init__(self, make, *, shown, compares_with=("note",)):
        self.make, self.shown, self.compares_with = make, shown, compares_with

    def __call__(self, case, *, pixels):
        noted = "note" if case.notes else "none"
        change = Progression.STABLE if noted in self.compares_with else Progression.NOT_STATED
        sentences = [
            GroundedSentence(f"Nodule {n}.", boxes=(box,), progression=change)
            for n, box in enumerate(self.shown[int(pixels[0, 0])])
        ]
        return self.make.drafted(*(sentences or [GroundedSentence("Clear.", progression=change)]))


FOLLOWS = {0: (), 1: (HERE,), 2: (THERE,)}


def ask(make, drafter, scenes=4):
    chosen = [[scene(n, ground) for n in range(scenes)] for ground in Ground]
    result = run(chosen, draft=drafter, pairs=4, seed=0)
    return {test: (result.followed(test).count, result.followed(test).total) for test in Test}, result


def test_a_model_that_sees_follows_every_pair(make):
    counts, result = ask(make, SeeingDrafter(make, shown=FOLLOWS))
    assert counts == {Test.MOVED: (4, 4), Test.REMOVED: (4, 4), Test.COMPARISON: (4, 4)}
    assert result.followed(Test.MOVED, Ground.REAL).total == 2  # half on real backgrounds


@pytest.mark.parametrize(
    ("shown", "moved", "removed"),
    [
        ({0: (HERE,), 1: (HERE,), 2: (HERE,)}, (0, 4), (0, 4)),  # always the same box: blind
        ({0: (), 1: (HERE,), 2: (HERE, THERE)}, (0, 4), (4, 4)),  # also at the old place
        ({0: (THERE,), 1: (HERE,), 2: (THERE,)}, (4, 4), (0, 4)),  # removed: another sentence takes its place
        ({0: (THERE,), 1: (HERE, THERE), 2: (THERE,)}, (4, 4), (4, 4)),  # a standing false alarm stays, its own goes
        ({0: (), 1: (), 2: ()}, (0, 0), (0, 0)),  # never points: no pairs, not a perfect score
    ],
)
def test_what_does_not_follow(make, shown, moved, removed):
    counts, result = ask(make, SeeingDrafter(make, shown=shown))
    assert (counts[Test.MOVED], counts[Test.REMOVED]) == (moved, removed)
    if not moved[1]:
        assert result.qualified(Test.MOVED).as_dict()["value"] == 0.0
        assert result.qualified(Test.MOVED).total == 8


@pytest.mark.parametrize(
    ("compares_with", "counts"),
    [
        (("note", "none"), (0, 4)),  # compares without anything to compare with
        ((), (0, 0)),  # never compares
        (("note",), (4, 4)),
    ],
)
def test_comparison_goes_with_the_note(make, compares_with, counts):
    drafter = SeeingDrafter(make, shown=FOLLOWS, compares_with=compares_with)
    assert ask(make, drafter)[0][Test.COMPARISON] == counts


def test_citing_a_note_that_was_not_given_is_no_follow(make):
    def draft(case, *, pixels):
        change = Progression.NEW if case.notes else Progression.NOT_STATED
        cited = (Citation("n1", 0, 6, "Nodule"),)
        return make.drafted(GroundedSentence("Nodule.", boxes=(HERE,), progression=change, citations=cited))

    assert ask(make, draft)[0][Test.COMPARISON] == (0, 4)


def test_a_failed_draft_follows_nothing(make):
    from cases.draft import FailureKind

    good = SeeingDrafter(make, shown=FOLLOWS)

    def draft(case, *, pixels):
        return good(case, pixels=pixels) if pixels[0, 0] == 1 else make.failed(FailureKind.CRASH)

    counts = ask(make, draft)[0]
    assert (counts[Test.MOVED], counts[Test.REMOVED]) == ((0, 4), (0, 4))


def test_it_stops_when_it_has_its_pairs(make):
    drafter = SeeingDrafter(make, shown=FOLLOWS)
    result = run([[scene(n) for n in range(50)]], draft=drafter, pairs=3, seed=0)
    assert result.followed(Test.MOVED).total == 3


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (0.3, 0.2, "right upper"),  # image left is the patient's right
        (0.7, 0.4, "left mid"),
        (0.7, 0.6, "left"),
    ],
)
def test_the_note_tells_the_patients_side(x, y, words):
    lesion = Lesion(Box(x - 0.02, y - 0.02, x + 0.02, y + 0.02), "conspicuous", diameter_mm=20.0)
    texts = [prior_note(lesion, np.random.default_rng(seed)).text for seed in range(12)]
    side = words.split()[0]
    other = {"left": "right", "right": "left"}[side]
    assert all(side in text and other not in text for text in texts)
    assert any(words in text for text in texts)


def test_phantom_scenes_differ_only_by_their_lesion():
    (made,) = list(simulated_scenes(seed=1, most=1))
    for view in (made.here, made.there):
        changed = np.argwhere(view.pixels.astype(int) - made.without.astype(int) > 0.05 * 65535)
        box = view.lesion.box
        x, y = changed[:, 1] / view.pixels.shape[1], changed[:, 0] / view.pixels.shape[0]
        assert changed.size
        assert (
            np.mean((x > box.x_min - 0.02) & (x < box.x_max + 0.02) & (y > box.y_min - 0.02) & (y < box.y_max + 0.02))
            > 0.95
        )


@pytest.mark.nih
def test_real_scenes_are_of_different_patients_and_far_enough(nih):
    made = list(real_scenes(nih, seed=1, most=4))
    assert 1 <= len(made) <= 4
    for one in made:
        (ax, ay), (bx, by) = one.here.lesion.box.center, one.there.lesion.box.center
        assert 1024 * np.hypot(ax - bx, ay - by) >= MOVED_PX_1024 - 1e-6
        assert not np.array_equal(one.here.pixels, one.without)
