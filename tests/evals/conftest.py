"""Hand-made cases and a drafter that says what it is told to say: for tests only."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from cases.draft import Draft, DraftStatus, Failure, FailureKind, ModelIdentity
from evals.trial import Lesion, Trial, image_of, trial_case
from grounding.box import Box
from grounding.report import GroundedReport, GroundedSentence, Polarity

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
MODEL = ModelIdentity("fake", "0" * 64, "none", "float32", "0" * 64, "fake-codec@1")
NIH = Path(os.environ.get("OVERREAD_NIH_DIR", Path(__file__).parents[3] / "shared" / "data" / "cxr_nih"))


def around(x: float, y: float, half: float = 0.05) -> Box:
    return Box(x - half, y - half, x + half, y + half)


def drafted(*sentences: GroundedSentence, scores: tuple[float, ...] = ()) -> Draft:
    said = sentences or (GroundedSentence("The lungs are clear.", polarity=Polarity.ABSENT),)
    return Draft("d", "c", NOON, DraftStatus.OK, MODEL, "raw", report=GroundedReport(said), box_scores=scores)


def boxed(*boxes: Box, scores: tuple[float, ...] | None = None) -> Draft:
    said = [GroundedSentence(f"Nodule number {n}.", finding="nodule", boxes=(box,)) for n, box in enumerate(boxes)]
    given = tuple(0.5 for _ in boxes) if scores is None else scores
    return drafted(*said, scores=given)


def failed(kind: FailureKind) -> Draft:
    return Draft("d", "c", NOON, DraftStatus.FAILED, MODEL, "raw", failure=Failure(kind, "in words"))


def abstained(reason: str) -> Draft:
    return Draft("d", "c", NOON, DraftStatus.ABSTAINED, MODEL, "", abstention=reason)


def trial(*lesions: Lesion, patient: str = "p1", case_id: str = "c", size: tuple[int, int] = (100, 100)) -> Trial:
    pixels = np.zeros(size, dtype=np.uint16)
    return Trial(trial_case(case_id, image_of(pixels, view="PA", simulated=False)), pixels, patient, lesions)


class ToldDrafter:
    """Gives the draft that was laid down for each case id."""

    def __init__(self, drafts: dict[str, Draft]):
        self.drafts = drafts
        self.asked: list[str] = []

    def __call__(self, case, *, pixels):
        assert pixels.shape == (case.image.rows, case.image.columns)
        self.asked.append(case.case_id)
        return self.drafts[case.case_id]


@pytest.fixture(scope="session")
def make():
    """The factories above, by name."""

    class Make:
        around = staticmethod(around)
        drafted = staticmethod(drafted)
        boxed = staticmethod(boxed)
        failed = staticmethod(failed)
        abstained = staticmethod(abstained)
        trial = staticmethod(trial)
        told = ToldDrafter
        model = MODEL
        noon = NOON

    return Make


@pytest.fixture(scope="session")
def thorax() -> Callable[[int], np.ndarray]:
    """A picture with the grey levels of a chest: bright body, two dark lungs, black air outside."""

    def picture(side: int = 512) -> np.ndarray:
        y, x = (np.mgrid[0:side, 0:side] + 0.5) / side
        body = np.where(np.abs(x - 0.5) < 0.42, 0.7, 0.02)
        for centre in (0.31, 0.69):
            body[((x - centre) / 0.11) ** 2 + ((y - 0.43) / 0.25) ** 2 <= 1] = 0.3
        return np.rint(body * 65535).astype(np.uint16)

    return picture


@pytest.fixture
def nih() -> Path:
    if not (NIH / "manifest.csv").is_file():
        pytest.skip("the NIH development radiographs are not on this machine (OVERREAD_NIH_DIR)")
    return NIH
