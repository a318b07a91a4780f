import pytest

from cases.draft import FailureKind
from evals.localization import run
from evals.trial import Lesion

# Boxes are 0.1 wide on 100 x 100 images; 0.01 of the side is 10.24 px of 1024.


@pytest.fixture(scope="module")
def result(make):
    """Three patients: one found and one false box; one missed without a box; one subtle lesion found."""
    trials = [
        make.trial(Lesion(make.around(0.25, 0.25), "moderate"), patient="p1", case_id="found"),
        make.trial(Lesion(make.around(0.75, 0.5), "conspicuous"), patient="p2", case_id="missed"),
        make.trial(Lesion(make.around(0.3, 0.3), "subtle"), patient="p3", case_id="faint"),
    ]
    drafts = {
        "found": make.boxed(make.around(0.75, 0.75), make.around(0.26, 0.25), scores=(0.4, 0.9)),
        "missed": make.drafted(),
        "faint": make.boxed(make.around(0.3, 0.3)),
    }
    ticks = iter([0.0, 1.0, 10.0, 12.0, 20.0, 26.0])
    return run(trials, draft=make.told(drafts), seed=3, clock=lambda: next(ticks)).as_dict()


def test_headline_by_hand(result):
    assert (result["n_images"], result["n_lesions"], result["seed"]) == (2, 2, 3)
    drafted = result["as_drafted"]
    assert (drafted["sensitivity"]["value"], drafted["sensitivity"]["n"]) == (0.5, 2)
    assert (drafted["false_boxes_per_image"]["value"], drafted["false_boxes_per_image"]["n"]) == (0.5, 2)
    # 10.24 px to the nearer box; 256 px from (0.75, 0.5) to the image centre, since nothing was drafted
    assert drafted["deviation_px_1024"]["mean"]["value"] == pytest.approx((10.24 + 256) / 2)
    assert drafted["deviation_px_1024"]["median"]["value"] == pytest.approx((10.24 + 256) / 2)


def test_sensitivity_at_false_boxes(result):
    assert {k: v["value"] for k, v in result["sensitivity_at"].items()} == {"0.25": 0.5, "0.5": 0.5, "1.0": 0.5}


def test_no_skill_by_hand(result):
    # From the centre: 0.25 * sqrt(2) * 1024 = 362.04 and 256
    assert result["no_skill"]["deviation_px_1024"]["mean"]["value"] == pytest.approx((362.0387 + 256) / 2, abs=1e-3)
    assert result["no_skill"]["sensitivity"]["value"] == 0.0
    assert result["no_skill"]["false_boxes_per_image"]["value"] == 1.0
    # No mirrored pair hits both (their heights differ by 0.25, the boxes are 0.1 high), one hits one.
    two = result["no_skill"]["two_fixed_points"]
    assert two["sensitivity"]["value"] == 0.5
    assert two["false_boxes_per_image"]["value"] == 1.5
    (x, y), (mirror, level) = two["points"]
    assert (mirror, level) == (pytest.approx(1 - x), y)


def test_the_subtle_tier_stands_apart(result):
    assert set(result["tiers"]) == {"moderate", "conspicuous", "subtle"}
    assert result["tiers"]["subtle"]["sensitivity"] == {
        "value": 1.0,
        "ci95": [pytest.approx(0.206549, abs=1e-5), 1.0],
        "n": 1,
    }
    assert result["tiers"]["moderate"]["as_drafted"]["sensitivity"]["value"] == 1.0
    assert result["tiers"]["conspicuous"]["sensitivity_at"]["0.5"]["value"] == 0.0


def test_the_shape_that_others_rely_on(result):
    assert set(result) >= {
        "n_images",
        "n_lesions",
        "seed",
        "model",
        "sensitivity_at",
        "as_drafted",
        "no_skill",
        "tiers",
    }
    same = {"sensitivity", "false_boxes_per_image", "deviation_px_1024"}
    for block in (result["as_drafted"], result["no_skill"], *result["tiers"].values()):
        assert set(block) >= same
        assert set(block["deviation_px_1024"]) == {"mean", "median"}
        assert set(block["sensitivity"]) == {"value", "ci95", "n"}
    assert result["model"]["model_id"] == "fake"


def test_seconds_are_counted(result):
    assert result["seconds_per_draft"]["median"]["value"] == 2.0  # of 1, 2 and 6


def test_a_failed_draft_misses_and_is_counted(make):
    trials = [make.trial(Lesion(make.around(0.5, 0.25), "moderate"), case_id="a")]
    told = make.told({"a": make.failed(FailureKind.PARSE)})
    result = run(trials, draft=told, seed=0).as_dict()
    assert result["as_drafted"]["sensitivity"]["value"] == 0.0
    assert result["as_drafted"]["deviation_px_1024"]["mean"]["value"] == 256.0
    assert result["faults"]["unparseable"]["count"] == 1


def test_a_model_without_scores_has_no_curve(make):
    trials = [make.trial(Lesion(make.around(0.5, 0.5), "moderate"), case_id="a")]
    told = make.told({"a": make.boxed(make.around(0.5, 0.5), scores=())})
    result = run(trials, draft=told, seed=0).as_dict()
    assert result["sensitivity_at"]["0.5"] == {"value": None, "ci95": None, "n": 0}
    assert result["as_drafted"]["sensitivity"]["value"] == 1.0


def test_nothing_drafted_measures_nothing(make):
    result = run([], draft=make.told({}), seed=0).as_dict()
    assert result["model"] is None
    assert result["as_drafted"]["sensitivity"] == {"value": None, "ci95": None, "n": 0}


def test_a_box_on_another_tiers_lesion_is_not_false(make):
    lesions = (Lesion(make.around(0.3, 0.3), "Mass"), Lesion(make.around(0.7, 0.3), "Nodule"))
    told = make.told({"a": make.boxed(make.around(0.3, 0.3), make.around(0.7, 0.3))})
    result = run([make.trial(*lesions, case_id="a")], draft=told, seed=0).as_dict()
    assert result["tiers"]["Mass"]["false_boxes_per_image"]["value"] == 0.0
    assert result["tiers"]["Mass"]["sensitivity"] == {
        "value": 1.0,
        "ci95": [pytest.approx(0.206549, abs=1e-5), 1.0],
        "n": 1,
    }


def test_intervals_are_clustered_by_patient(make):
    """Ten images each of two patients, all found in one, none in the other: the interval is the whole range."""
    trials, drafts = [], {}
    for index in range(20):
        patient = "p1" if index < 10 else "p2"
        trials.append(make.trial(Lesion(make.around(0.3, 0.3), "moderate"), patient=patient, case_id=str(index)))
        drafts[str(index)] = make.boxed(make.around(0.3 if index < 10 else 0.8, 0.3))
    result = run(trials, draft=make.told(drafts), seed=0).as_dict()
    assert result["as_drafted"]["sensitivity"] == {"value": 0.5, "ci95": [0.0, 1.0], "n": 20}
