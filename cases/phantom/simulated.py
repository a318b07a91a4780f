"""One simulated case: a phantom picture with or without lesions, notes that may be right or wrong, and the truth apart.

The truth (`SimulatedCase.truth`) never goes into what a model may read; `cases.phantom.dicom_out` writes it elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from cases.phantom.frame import Array
from cases.phantom.lesions import Lesion, place_lesion
from cases.phantom.story import GROWTH, History, LesionPlan, NotePlan, Story, draw_story, mentions
from cases.phantom.thorax import Anatomy, expose_thorax, project_thorax
from cases.phantom.wording import clinic_text, indication_text, observation_values, report_text
from cases.study import Observation

FIRST_STUDY = date(2021, 1, 4)
STUDY_DAYS = 1400


@dataclass(frozen=True, slots=True)
class SimulatedNote:
    """A note as it stands in its file."""

    written: date
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Truth:
    """What is really there.

    Attributes:
        lesions: on the current picture. prior: at the time of the prior study.
        resolved: those of `prior` that are gone.
        histories: of every lesion of the story.
    """

    lesions: tuple[Lesion, ...]
    prior: tuple[Lesion, ...]
    resolved: tuple[Lesion, ...]
    histories: tuple[History, ...]


@dataclass(frozen=True, slots=True)
class SimulatedCase:
    """Everything that is written as files, and the truth.

    Attributes:
        number: from the seed; names the made-up patient.
        pixels: float32 (side, side), 0..1, bright = dense.
        notes: newest first.
    """

    number: int
    pixels: Array
    studied: date
    age_years: int
    sex: str
    indication: str | None
    notes: tuple[SimulatedNote, ...]
    observations: tuple[Observation, ...]
    truth: Truth

    @property
    def label(self) -> str:
        """Name and number of the made-up patient, as the letterheads give them."""
        return patient_label(self.number)


def patient_label(number: int) -> str:
    """A name that nobody has.

    >>> patient_label(7)
    'Phantom Simulated (ID SIM-0007)'
    """
    return f"Phantom Simulated (ID SIM-{number:04d})"


def simulated_case(*, seed: int, side_px: int = 512) -> SimulatedCase:
    """A random case; the same seed gives the same case, to the pixel and the letter."""
    story = draw_story(_stream(seed, 1))
    return case_from_story(story, seed=seed, side_px=side_px)


def case_from_story(story: Story, *, seed: int, side_px: int = 512) -> SimulatedCase:
    """The case that a story tells, on the phantom of that seed."""
    anatomy = project_thorax(seed=seed, side_px=side_px, sex=story.sex)
    added, placed = _place_all(story, anatomy, _stream(seed, 2))
    known = tuple(zip(story.lesions, placed, strict=True))
    words = _stream(seed, 3)
    studied = FIRST_STUDY + timedelta(days=int(words.integers(STUDY_DAYS)))
    notes = tuple(_note(plan, known, words, studied=studied, number=seed) for plan in story.notes)
    return SimulatedCase(
        number=seed,
        pixels=expose_thorax(anatomy, added_mm=added).pixels,
        studied=studied,
        age_years=story.age_years,
        sex=story.sex,
        indication=indication_text(words) if story.indication else None,
        notes=notes,
        observations=_observations(words, studied) if story.values else (),
        truth=_truth(known),
    )


def _stream(seed: int, part: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, 0xCA5E, part]))


def _place_all(story: Story, anatomy: Anatomy, rng: np.random.Generator) -> tuple[Array, tuple[Lesion, ...]]:
    """Path length of what is there now, and the truth about every lesion of the story, resolved ones too."""
    added = np.zeros_like(anatomy.attenuation)
    placed: tuple[Lesion, ...] = ()
    for plan in story.lesions:
        one = place_lesion(anatomy, rng, diameter_mm=plan.diameter_mm, others=placed)
        placed += (one.lesion,)
        if plan.history is not History.RESOLVED:
            added = added + one.added_mm
    return added, placed


def _note(
    plan: NotePlan,
    known: tuple[tuple[LesionPlan, Lesion], ...],
    rng: np.random.Generator,
    *,
    studied: date,
    number: int,
) -> SimulatedNote:
    said = mentions(plan, known, rng)
    written = studied - timedelta(days=plan.days_before)
    write = report_text if plan.kind == "report" else clinic_text
    return SimulatedNote(written, plan.kind, write(said, rng, written=written, label=patient_label(number)))


def _observations(rng: np.random.Generator, studied: date) -> tuple[Observation, ...]:
    observed = studied - timedelta(days=int(rng.integers(0, 21)))
    return tuple(Observation(name, value, observed) for name, value in observation_values(rng))


def _truth(known: tuple[tuple[LesionPlan, Lesion], ...]) -> Truth:
    now = tuple(lesion for plan, lesion in known if plan.history is not History.RESOLVED)
    gone = tuple(lesion for plan, lesion in known if plan.history is History.RESOLVED)
    prior = tuple(
        replace(lesion, diameter_mm=lesion.diameter_mm * (GROWTH if plan.history is History.GROWN else 1.0))
        for plan, lesion in known
        if plan.history is not History.NEW
    )
    return Truth(now, prior, gone, tuple(plan.history for plan, _ in known))
