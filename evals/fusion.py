"""Does the context help the model? Image only, notes only, late fusion and the joint model, on the same cases.

Each case is answered from the picture alone, from the words alone and from both, with truthful notes, with notes that
mislead, and with inputs missing. All differences are paired: whole patients are resampled together for both. Three
questions are asked: is there a nodule or mass (area under the ROC curve; accuracy as stated), how it changed, and on
which side (finding-level F1 of finding and side).

`as_dict` (the shape of `overread eval fusion --json`; F is {"value", "ci95", "n"}):

    {"ground", "n_cases", "n_with_lesion", "n_patients", "seed", "model", "scores", "faults",
     "scenarios": {SCENARIO: {"arms": {ARM: {"auc": F, "accuracy": F, "change": F, "finding_f1": F}},
                              "differences": {"A_minus_B": {the same figures}},
                              "context_helps": {"A_minus_image_only": {figure: "helps" | "harms" | "not shown"}}}}}

SCENARIO: complete, wrong_notes, no_image, no_notes, no_indication, one_missing (of each case one input, by dice).
ARM: image_only, notes_only (the model without the image: notes and indication), notes_read (the note, by rule),
late_fusion (image_only and notes_only), late_fusion_read (image_only and notes_read), joint. `change` is judged where
the note is truthful, over cases with a lesion now or before; n is that of the cases an arm could be judged on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

import numpy as np

from cases.draft import ModelIdentity
from cases.study import InputName
from evals.faults import Faults, draft_faults
from evals.finding_score import SCORE
from evals.fusion_answers import Answered, Inputs, Panel, Scorer, fused, late_log_odds, read_answer
from evals.fusion_cases import FusionCase, Notes
from evals.fusion_figures import Judgement, differences, figures, helps
from evals.rate import Figure
from evals.trial import Drafter
from grounding.report import Progression

IMAGE, NOTES, INDICATION = InputName.CURRENT_IMAGE, InputName.PRIOR_NOTES, InputName.INDICATION
ALL: Inputs = frozenset({IMAGE, NOTES, INDICATION})


class Scenario(StrEnum):
    """What is given, and whether the note is truthful."""

    COMPLETE = "complete"
    WRONG_NOTES = "wrong_notes"
    NO_IMAGE = "no_image"
    NO_NOTES = "no_notes"
    NO_INDICATION = "no_indication"
    ONE_MISSING = "one_missing"

    @property
    def notes(self) -> Notes:
        """Which note is given, where one is."""
        return Notes.WRONG if self is Scenario.WRONG_NOTES else Notes.TRUTHFUL


class Arm(StrEnum):
    """Who answers."""

    IMAGE_ONLY = "image_only"
    NOTES_ONLY = "notes_only"
    NOTES_READ = "notes_read"
    LATE = "late_fusion"
    LATE_READ = "late_fusion_read"
    JOINT = "joint"


REMOVED = {Scenario.NO_IMAGE: IMAGE, Scenario.NO_NOTES: NOTES, Scenario.NO_INDICATION: INDICATION}
COMPARED = (
    (Arm.JOINT, Arm.IMAGE_ONLY),
    (Arm.JOINT, Arm.NOTES_READ),
    (Arm.LATE, Arm.IMAGE_ONLY),
    (Arm.LATE_READ, Arm.IMAGE_ONLY),
    (Arm.JOINT, Arm.LATE_READ),
)


@dataclass(frozen=True, slots=True)
class FusionResult:
    """All answers of all arms in all scenarios, case by case.

    Attributes:
        ground: "real" (inserted nodules) or "simulated" (phantoms).
        answers: by scenario and arm, in the order of the cases.
    """

    ground: str
    cases: tuple[FusionCase, ...]
    answers: dict[Scenario, dict[Arm, tuple[Answered, ...]]]
    faults: Faults
    seed: int
    model: ModelIdentity | None

    def judged(self, scenario: Scenario, arm: Arm) -> tuple[Judgement, ...]:
        """Each answer against the truth."""
        truthful = scenario.notes is Notes.TRUTHFUL
        answers = self.answers[scenario][arm]
        return tuple(_judgement(case, one, truthful) for case, one in zip(self.cases, answers, strict=True))

    def as_dict(self) -> dict[str, object]:
        """The shape in the module's docstring."""
        return {
            "ground": self.ground,
            "n_cases": len(self.cases),
            "n_with_lesion": sum(case.present for case in self.cases),
            "n_patients": len({case.trial.patient for case in self.cases}),
            "seed": self.seed,
            "model": None if self.model is None else asdict(self.model),
            "scores": SCORE,
            "faults": self.faults.as_dict(),
            "scenarios": {scenario.value: self._scenario(scenario) for scenario in Scenario},
        }

    def _scenario(self, scenario: Scenario) -> dict[str, object]:
        judged = {arm: self.judged(scenario, arm) for arm in Arm}
        compared = {
            f"{first}_minus_{second}": differences(judged[first], judged[second], seed=self.seed)
            for first, second in COMPARED
        }
        return {
            "arms": {arm.value: _told(figures(judged[arm], seed=self.seed)) for arm in Arm},
            "differences": {name: _told(found) for name, found in compared.items()},
            "context_helps": {
                name: {figure: helps(value) for figure, value in found.items()}
                for name, found in compared.items()
                if name.endswith(f"_minus_{Arm.IMAGE_ONLY}")
            },
        }


def run(cases: Iterable[FusionCase], *, ground: str, draft: Drafter, score: Scorer | None, seed: int) -> FusionResult:
    """Answer every case in every way.

    Args:
        cases: with their two notes.
        ground: what the pictures are, for the record.
        draft: the product's own path.
        score: log-odds that the model states a nodule or mass; None leaves the model's arms without areas.
        seed: of the missing inputs and of the bootstrap.
    """
    panel = _Arms(Panel(draft, score), seed)
    chosen: list[FusionCase] = []
    for case in cases:
        chosen.append(case)
        panel.ask(case, len(chosen) - 1)
    answers = {scenario: panel.answers(chosen, scenario) for scenario in Scenario}
    return FusionResult(ground, tuple(chosen), answers, draft_faults(panel.panel.drafts), seed, panel.panel.model)


class _Arms:
    """Every arm's answer to a case with what a scenario leaves of its inputs."""

    def __init__(self, panel: Panel, seed: int) -> None:
        self.panel = panel
        self._seed = seed

    def ask(self, case: FusionCase, index: int) -> None:
        """Put all questions about one case to the model, so that its picture is needed only once."""
        for scenario in Scenario:
            left = self._left(scenario, index)
            for inputs in (left & {IMAGE}, left - {IMAGE}, left):
                self.panel.asked(case, inputs, scenario.notes)

    def answers(self, cases: Sequence[FusionCase], scenario: Scenario) -> dict[Arm, tuple[Answered, ...]]:
        """All arms of a scenario."""
        return {
            Arm.IMAGE_ONLY: self._pictures(cases, scenario),
            Arm.NOTES_ONLY: self._words(cases, scenario),
            Arm.NOTES_READ: self._read(cases, scenario),
            Arm.LATE: self._late(cases, scenario, Arm.NOTES_ONLY),
            Arm.LATE_READ: self._late(cases, scenario, Arm.NOTES_READ),
            Arm.JOINT: self._each(cases, scenario, lambda left: left),
        }

    def _left(self, scenario: Scenario, index: int) -> Inputs:
        """The inputs that a scenario leaves; for ONE_MISSING any of the three is gone, by dice."""
        if scenario is Scenario.ONE_MISSING:
            dice = np.random.default_rng([self._seed, index, 13])
            return ALL - {(IMAGE, NOTES, INDICATION)[int(dice.integers(3))]}
        return ALL - {REMOVED[scenario]} if scenario in REMOVED else ALL

    def _each(
        self, cases: Sequence[FusionCase], scenario: Scenario, wanted: Callable[[Inputs], Inputs]
    ) -> tuple[Answered, ...]:
        return tuple(
            self.panel.asked(case, wanted(self._left(scenario, index)), scenario.notes)
            for index, case in enumerate(cases)
        )

    def _read(self, cases: Sequence[FusionCase], scenario: Scenario) -> tuple[Answered, ...]:
        return tuple(read_answer(case, self._left(scenario, index), scenario.notes) for index, case in enumerate(cases))

    def _late(self, cases: Sequence[FusionCase], scenario: Scenario, notes: Arm) -> tuple[Answered, ...]:
        """Weights from complete inputs; what is missing now is missing for the fusion too, not an answer of "no"."""
        words = self._read if notes is Arm.NOTES_READ else self._words
        images, texts = self._pictures(cases, scenario), words(cases, scenario)
        left = [self._left(scenario, index) for index in range(len(cases))]
        odds = late_log_odds(
            list(zip(self._pictures(cases, Scenario.COMPLETE), words(cases, Scenario.COMPLETE), strict=True)),
            list(zip(_where(images, IMAGE, left), _where(texts, NOTES, left), strict=True)),
            [case.present for case in cases],
            patients=[case.trial.patient for case in cases],
        )
        parts = zip(images, self._read(cases, scenario), odds, strict=True)
        return tuple(fused(image, note, log_odds=value) for image, note, value in parts)

    def _pictures(self, cases: Sequence[FusionCase], scenario: Scenario) -> tuple[Answered, ...]:
        return self._each(cases, scenario, lambda left: left & {IMAGE})

    def _words(self, cases: Sequence[FusionCase], scenario: Scenario) -> tuple[Answered, ...]:
        return self._each(cases, scenario, lambda left: left - {IMAGE})


def _where(answers: Sequence[Answered], name: InputName, left: Sequence[Inputs]) -> list[Answered]:
    """The answers, without a score where that input was not there to be asked about."""
    return [one if name in inputs else replace(one, score=None) for one, inputs in zip(answers, left, strict=True)]


def _judgement(case: FusionCase, answer: Answered, truthful: bool) -> Judgement:
    """What is right about one answer; the change is judged where there was a lesion at either time."""
    judged = truthful and case.history is not Progression.NOT_STATED
    return Judgement(
        patient=case.trial.patient,
        present=case.present,
        stated=answer.stated,
        score=answer.score,
        change_right=(answer.change is case.history) if judged else None,
        found=len(answer.sides & case.sides),
        false=_named(answer) - len(answer.sides & case.sides),
        missed=len(case.sides - answer.sides),
    )


def _named(answer: Answered) -> int:
    """Findings that an answer states: one a side, and one where it names no side."""
    return max(len(answer.sides), int(answer.stated))


def _told(found: dict[str, Figure]) -> dict[str, object]:
    return {name: figure.as_dict() for name, figure in found.items()}
