"""Fidelity on a model whose reasons are known: an honest map is told from one that lies, and from one that is inert."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from cases.draft import Draft, DraftStatus, ModelIdentity
from evals.fidelity import LOOKINGS, rank_correlation, run
from evals.fidelity_curves import SHARES, Bench, cells_of_input, falling
from evals.fidelity_figures import CENTRE, OWN_BOX, RANDOM, Judged, Judgements, Sanity
from evals.trial import Lesion, Trial, image_of, trial_case
from grounding.box import Box
from grounding.heatmap import Heatmap, heatmap_of
from grounding.placement import center_crop, letterbox
from grounding.report import GroundedReport, GroundedSentence
from vlm.backend import Asked, Inside, ModelPart, ScoredAnswer
from vlm.looking import Looking, Method, Target, sight_of
from vlm.model_spec import ModelSpec

SPEC = ModelSpec("known", Path("/nowhere"), "f" * 64, "overread-cells@1", "overread-1", 320)
IDENTITY = ModelIdentity("known", "f" * 64, "none", "float32", "0" * 64, "overread-cells@1")
SIDE = 320
TEXT = "Nodule."
RAW = f"<obj>{TEXT}<box><c000><x0><y0><w00><h00></box></obj>"
PER_NAT = 10.0  # grey levels


class Known:
    """Its words are the likelier the brighter the lesion's place; what it says of its insides is up to the test.

    `honest` looks at that place, `liar` at the image's centre, `inert` at that place even when it knows nothing.
    """

    def __init__(self, place, manner="honest"):
        self.spec, self.place, self.manner, self.known = SPEC, place, manner, True

    def answer(self, *, image, prompt, prior=None):
        raise NotImplementedError

    def log_probabilities(self, *, image, prompt, continuations, prior=None):
        raise NotImplementedError

    def answer_log_probabilities(self, asked):
        where = self.place[0]
        return tuple(ScoredAnswer(((0, len(RAW)),), (float(one.image[where].mean()) / PER_NAT,)) for one in asked)

    def looked(self, asked, *, stretches, inside):
        grid = np.zeros((40, 40))
        down, across = (range(part.start // 8, part.stop // 8) for part in self.place[0])
        if self.manner == "liar":
            grid[18:22, 18:22] = 1.0
        elif self.manner == "inert" or self.known:
            grid[np.ix_(list(down), list(across))] = 1.0
        else:
            grid[:] = np.random.default_rng(1).random((40, 40))
        return (grid,) * len(stretches)

    def randomised(self, *, part, seed):
        stranger = Known(self.place, self.manner)
        stranger.known = False
        return stranger


def trials(count):
    """Square images, one bright lesion each at another place, 32 px of a dark field."""
    found = []
    for number in range(count):
        top, left = 40 + 8 * (number % 5), 40 + 16 * (number % 3)
        pixels = np.full((SIDE, SIDE), 5000, np.uint16)
        pixels[top : top + 32, left : left + 32] = 60000
        box = Box(left / SIDE, top / SIDE, (left + 32) / SIDE, (top + 32) / SIDE)
        case = trial_case(f"c{number}", image_of(pixels, view="PA", simulated=True))
        found.append(Trial(case, pixels, f"p{number}", (Lesion(box, "moderate"),)))
    return found


def judged(manner, *, count=10, wrong=False):
    place: list = [None]

    def draft(case, *, pixels):
        trial = by_id[case.case_id]
        lesion = trial.lesions[0].box
        place[0] = tuple(
            slice(round(a * SIDE), round(b * SIDE))
            for a, b in ((lesion.y_min, lesion.y_max), (lesion.x_min, lesion.x_max))
        )
        box = lesion.mirrored() if wrong else lesion
        report = GroundedReport((GroundedSentence(TEXT, finding="nodule", boxes=(box,)),))
        return Draft("d", case.case_id, datetime(2024, 1, 1, tzinfo=UTC), DraftStatus.OK, IDENTITY, RAW, report=report)

    made = trials(count)
    by_id = {one.case.case_id: one for one in made}
    return run(made, ground="made", draft=draft, backend=Known(place, manner), seed=1)


@pytest.fixture(scope="module")
def honest():
    return judged("honest")


def test_an_honest_map_may_be_shown(honest):
    figures = honest.as_dict()
    assert figures["shown_method"] == figures["written_method"] == "gradient_map_of_statement"
    told = figures["methods"]["gradient_map_of_statement"]
    assert told["pointing"] == {"value": 1.0, "ci95": pytest.approx([0.722, 1.0], abs=0.001), "n": 10}  # Wilson, 10/10
    assert told["less_centre"]["pointing"]["value"] == 1.0
    assert figures["controls"][CENTRE]["pointing"]["value"] == 0.0
    assert figures["controls"][OWN_BOX]["pointing"]["value"] == 1.0
    assert all(one["value"] < 0.5 for one in told["correlation_when_randomised"].values())


def test_occlusion_is_found_honest_and_too_dear(honest):
    told = honest.as_dict()["methods"]["occlusion_of_statement"]
    assert (told["beats_centre"], told["affordable"], told["passes_a_case"]) == (True, False, 65)


def test_a_map_that_lies_is_not_shown():
    """It looks at the centre, whatever the words hang on: no better than the centre map."""
    figures = judged("liar").as_dict()
    assert figures["shown_method"] is None
    assert figures["best_method"] is None
    assert figures["written_method"] == "gradient_map_of_statement"
    assert not figures["methods"]["gradient_map_of_statement"]["beats_centre"]


def test_a_map_that_does_not_need_the_weights_is_not_shown():
    """Faithful by every curve, and the same when the model knows nothing: it shows the image, not the model."""
    told = judged("inert").as_dict()
    method = told["methods"]["gradient_map_of_statement"]
    assert (method["beats_centre"], method["sane"]) == (True, False)
    assert method["correlation_when_randomised"]["whole"]["value"] == 1.0
    assert told["shown_method"] is None


def test_few_patients_decide_nothing():
    figures = judged("honest", count=4).as_dict()
    assert figures["shown_method"] is None
    assert figures["methods"]["gradient_map_of_statement"]["pointing"]["n"] == 4


def test_a_sentence_whose_own_box_is_wrong_is_not_pointed_with():
    figures = judged("honest", wrong=True, count=2).as_dict()
    method = figures["methods"]["gradient_map_of_statement"]
    assert method["pointing"] == {"value": None, "ci95": None, "n": 0}
    assert method["deletion_nats"]["n"] == 2


def test_nothing_drafted_is_nothing_measured():
    found = run([], ground="made", draft=lambda *_: None, backend=Known([None]), seed=0).as_dict()
    assert (found["n_cases"], found["n_sentences"], found["shown_method"], found["model"]) == (0, 0, None, None)


def sight(pixels, raw=RAW):
    report = GroundedReport((GroundedSentence(TEXT, finding="nodule", boxes=(Box(0.1, 0.1, 0.2, 0.2),)),))
    now = datetime(2024, 1, 1, tzinfo=UTC)
    draft = Draft("d", "c", now, DraftStatus.OK, IDENTITY, raw, report=report)
    case = trial_case("c", image_of(pixels, view="PA", simulated=True))
    return sight_of(case, pixels=pixels, draft=draft, backend=Known([None]))


def test_the_curves_of_a_map_that_is_right_by_hand():
    """A lesion of 40 x 40 px is 16 of 1024 cells: of the shares' 8, 16, 32, ... cells the second removes it whole."""
    pixels = np.zeros((SIDE, SIDE), np.uint16)
    where = (slice(80, 120), slice(160, 200))
    pixels[where] = 65535
    backend, seen = Known([where]), sight(pixels)
    bench = Bench(seen, [(0, len(RAW))], backend=backend)
    weights = np.zeros((32, 32))
    weights[8:12, 16:20] = 1.0
    (curve,) = bench.curves(heatmap_of(weights, method="right"), random=np.random.default_rng(0))
    whole = 25.5
    blurred = backend.answer_log_probabilities([Asked(RAW, "", bench._instead)])[0].over(0, 9)
    assert [round(share * 1024) for share in SHARES] == [8, 16, 32, 64, 128, 256]
    steps = [(whole - blurred) / 2, *[whole - blurred] * 5]  # half of the cells, then all
    assert curve.lost == pytest.approx(steps, rel=0.02)  # the blur is not quite the same all over the lesion
    assert curve.gained == pytest.approx(steps, rel=0.02)
    assert curve.deletion == pytest.approx((whole - blurred) * 5.5 / 6, rel=0.005)


def test_a_map_of_elsewhere_costs_nothing():
    pixels = np.zeros((SIDE, SIDE), np.uint16)
    where = (slice(80, 120), slice(160, 200))
    pixels[where] = 65535
    bench = Bench(sight(pixels), [(0, len(RAW))], backend=Known([where]))
    weights = np.zeros((32, 32))
    weights[16:, :] = np.arange(512).reshape(16, 32) + 1.0  # the lower half
    (curve,) = bench.curves(heatmap_of(weights, method="wrong"), random=np.random.default_rng(0))
    assert curve.lost == (0.0,) * 6
    assert curve.gained == (0.0,) * 6


def test_cells_come_back_through_a_crop_and_a_letterbox():
    crop = cells_of_input(center_crop(8, 4, side=4), rows=1, columns=8)
    assert crop.tolist() == [[2, 3, 4, 5]] * 4
    letter = cells_of_input(letterbox(2, 4, side=4), rows=2, columns=1)
    assert letter.tolist() == [[-1, 0, 0, -1]] * 2 + [[-1, 1, 1, -1]] * 2


def test_cells_that_were_never_seen_are_not_taken_and_ties_are_shuffled():
    heatmap = Heatmap("m", 1, 5, (1.0, None, 1.0, 3.0, 1.0))
    orders = {tuple(falling(heatmap, np.random.default_rng(seed)).tolist()) for seed in range(40)}
    assert {order[0] for order in orders} == {3}
    assert all(sorted(order) == [0, 2, 3, 4] for order in orders)
    assert len(orders) == 6  # all orders of three


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1.0, 2.0, 3.0], [10.0, 20.0, 30.0], 1.0),
        ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], -1.0),
        ([1.0, 2.0, 3.0], [7.0, 7.0, 7.0], 0.0),  # a map that is the same everywhere says nothing
        ([1.0, np.nan, 3.0, 4.0], [1.0, 0.0, 3.0, 2.0], 0.5),  # ranks 1 2 3 and 1 3 2: 1 - 6 * 2 / 24
    ],
)
def test_rank_correlation(a, b, expected):
    assert rank_correlation(np.array([a]), np.array([b])) == pytest.approx(expected)


def judgements(methods, *, deletions, sane=0.1):
    """One sentence a patient; the centre map is worth 1 nat and points at nothing."""
    rows = []
    for index in range(12):
        rows.append(Judged(index, f"p{index}", CENTRE, 1.0, 1.0, 1.0, 1.0, points=False))
        rows += [
            Judged(index, f"p{index}", name, deletions[name], 2.0, 2.0, 2.0, points=name != "blind") for name in methods
        ]
    sanity = [Sanity(f"p{index}", name, part, sane) for index in range(12) for name in methods for part in ModelPart]
    return Judgements(tuple(rows), tuple(sanity), dict.fromkeys(methods, 1), 0)


def best_of(found):
    return found.best({name: found.verdict(name) for name in found.passes})


def test_the_best_points_best_then_is_worth_most():
    found = judgements(("small", "large", "blind"), deletions={"small": 2.0, "large": 3.0, "blind": 9.0})
    assert best_of(found) == "large"
    assert not found.verdict("blind").beats_centre  # it points no better than the centre
    assert found.difference("large", CENTRE)["deletion_nats"].value == 2.0
    assert found.difference("large", RANDOM)["deletion_nats"].value is None  # there is none


def test_a_method_that_is_worse_in_one_measure_is_not_shown():
    assert best_of(judgements(("faint",), deletions={"faint": 0.5})) is None


def test_a_correlation_at_the_limit_is_not_sane():
    found = judgements(("m",), deletions={"m": 3.0}, sane=0.5)
    assert not found.verdict("m").sane
    assert best_of(found) is None


def test_every_method_is_judged_on_both_targets():
    assert {one.method for one in LOOKINGS} == set(Method)
    assert len(LOOKINGS) == len(Method) * len(Target)
    assert {one.value for one in Inside} < {one.value for one in Method}
    assert Looking(Method.ATTENTION, Target.WORDS) in LOOKINGS
