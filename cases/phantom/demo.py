"""The twelve demo cases: fixed seeds, each a situation that a reader meets with prior notes, right or wrong."""

from __future__ import annotations

from pathlib import Path

from cases.phantom.dicom_out import write_case, write_truth
from cases.phantom.simulated import SimulatedCase, case_from_story
from cases.phantom.story import History, LesionPlan, NotePlan, Says, Story

FIRST_SEED = 7001


def demo_stories() -> tuple[Story, ...]:
    """What the twelve cases are about, in order."""
    right, nothing, wrong_side, invented = Says.RIGHT, Says.NOTHING_FOUND, Says.WRONG_SIDE, Says.INVENTED
    stable, new, grown, resolved = History.STABLE, History.NEW, History.GROWN, History.RESOLVED
    return (
        # 1 a nodule that the prior report knows, unchanged
        Story((LesionPlan(19, stable),), (NotePlan(right, 210),), sex="F", age_years=63),
        # 2 a new nodule; the prior report was normal
        Story((LesionPlan(17, new),), (NotePlan(nothing, 365),), sex="M", age_years=58),
        # 3 resolved: the report tells of a nodule, the picture has none
        Story((LesionPlan(21, resolved),), (NotePlan(right, 150),), sex="F", age_years=47),
        # 4 the report puts the nodule on the wrong side
        Story((LesionPlan(22, stable),), (NotePlan(wrong_side, 95),), sex="M", age_years=71),
        # 5 two notes that contradict each other
        Story((LesionPlan(20, stable),), (NotePlan(nothing, 60, "note"), NotePlan(right, 240)), sex="F", age_years=66),
        # 6 no prior note at all
        Story((LesionPlan(24, new),), (), sex="M", age_years=55),
        # 7 no indication
        Story((LesionPlan(18, stable),), (NotePlan(right, 400),), indication=False, sex="F", age_years=74),
        # 8 a mass that has grown
        Story((LesionPlan(37, grown),), (NotePlan(right, 180),), sex="M", age_years=69),
        # 9 two nodules, one of them new
        Story((LesionPlan(23, stable), LesionPlan(16, new)), (NotePlan(right, 300),), sex="F", age_years=60),
        # 10 normal, with a normal prior report
        Story((), (NotePlan(nothing, 500),), sex="M", age_years=34),
        # 11 normal, with nothing but the picture
        Story((), (), indication=False, values=False, sex="F", age_years=29),
        # 12 normal, with a note that tells of somebody else's nodule
        Story((), (NotePlan(invented, 120, "note"),), sex="M", age_years=52),
    )


def demo_cases() -> tuple[SimulatedCase, ...]:
    """The twelve cases, pixels included (about half a second each)."""
    return tuple(case_from_story(story, seed=FIRST_SEED + n) for n, story in enumerate(demo_stories()))


def write_demo(folder: Path) -> tuple[Path, ...]:
    """Write one folder per case under `folder`, and the truth beside it; returns the case folders.

    The truth goes to `<folder>.truth/truth.json`, outside of `folder`, so that importing the folder cannot read it.
    """
    cases = demo_cases()
    written = tuple(write_case(case, folder) for case in cases)
    write_truth(
        dict(zip((path.name for path in written), cases, strict=True)), folder.with_name(folder.name + ".truth")
    )
    return written
