"""Does attribution name the input that a sentence came from? On cases where one input alone can know the fact.

Every case (`evals.attribution_cases`) is drafted by the product's own path; of its draft, the sentences that state the
fact are attributed. A draft that does not state it is counted (`drafted`) and asked no more: no sentence is put into
the model's mouth for this. Two questions: is the input with the highest Shapley value the one that knows the fact
(`top_is_right`), and does removing that top input cost the sentence more than removing any other does
(`top_is_most_needed`)? Both are asked in each manner of scoring a sentence (`vlm.ways`), so that the manner that the
product shows is chosen by measurement.

`as_dict` (the shape of `overread eval attribution --json`; F is {"value", "ci95", "n"}, n counts sentences):

    {"ground", "n_images", "n_cases", "n_patients", "seed", "model", "target", "shown", "unmeasured",
     "alone": {MANNER: {"top_is_right": F, "top_is_most_needed": F}}, "joint": likewise,
     "by_fact": {FACT: {"known_to", "joint", "drafted": rate of cases, MANNER: ...}},
     "seconds": {"subsets", "n", "attribution": {...}, "redrafts": {...}}, "faults", "intervals"}
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from cases.draft import Draft, ModelIdentity
from cases.study import InputName
from evals.attribution_cases import Fact, FactCase, fact_cases
from evals.attribution_seconds import Seconds, Stopwatch, summary
from evals.clustered import clustered_share
from evals.faults import Faults, draft_faults
from evals.longitudinal_scenes import LongitudinalScene
from evals.rate import Rate
from evals.trial import Drafter
from grounding.attribution import Attribution
from vlm.backend import AnswerScoringBackend
from vlm.coalitions import attributed, attributions, table, values_of
from vlm.families import family_named
from vlm.redrafts import redrafts
from vlm.spoken import spoken
from vlm.ways import SHOWN, Manner

TARGET = 0.95


@dataclass(frozen=True, slots=True)
class Stated:
    """One drafted sentence that states its case's fact, and its attribution in each manner; None: not measured."""

    fact: Fact
    patient: str
    found: dict[Manner, Attribution | None]

    def top_is_right(self, manner: Manner) -> bool | None:
        """Whether the input with the highest value is the one that knows the fact."""
        found = self.found[manner]
        return None if found is None else found.top is self.fact.known_to

    def top_is_most_needed(self, manner: Manner) -> bool | None:
        """Whether removing the top input costs more than removing any other."""
        found = self.found[manner]
        return None if found is None else found.top is not None and found.top is found.most_needed


@dataclass(frozen=True, slots=True)
class AttributionResult:
    """All stated facts of a run.

    Attributes:
        asked: (fact, patient, whether the draft states it) of every case.
        seconds: of every case.
    """

    ground: str
    images: int
    asked: tuple[tuple[Fact, str, bool], ...]
    stated: tuple[Stated, ...]
    seconds: tuple[Seconds, ...]
    faults: Faults
    seed: int
    model: ModelIdentity | None

    def as_dict(self) -> dict[str, object]:
        """The shape in the module's docstring."""
        return {
            "ground": self.ground,
            "n_images": self.images,
            "n_cases": len(self.asked),
            "n_patients": len({patient for _, patient, _ in self.asked}),
            "seed": self.seed,
            "model": None if self.model is None else asdict(self.model),
            "target": TARGET,
            "shown": SHOWN.value,
            "unmeasured": sum(one.found[SHOWN] is None for one in self.stated),
            "alone": self._figures([one for one in self.stated if not one.fact.joint]),
            "joint": self._figures([one for one in self.stated if one.fact.joint]),
            "by_fact": {fact.value: self._fact(fact) for fact in Fact},
            "seconds": summary(self.seconds),
            "faults": self.faults.as_dict(),
            "intervals": "95 %, bootstrap of whole patients (Wilson over patients where all or none were right)",
        }

    def _fact(self, fact: Fact) -> dict[str, object]:
        drafted = [stated for one, _, stated in self.asked if one is fact]
        return {
            "known_to": fact.known_to.value,
            "joint": fact.joint,
            "drafted": Rate(sum(drafted), len(drafted)).as_dict(),
            **self._figures([one for one in self.stated if one.fact is fact]),
        }

    def _figures(self, chosen: Sequence[Stated]) -> dict[str, object]:
        return {
            manner.value: {
                "top_is_right": self._share([(one.top_is_right(manner), one.patient) for one in chosen]),
                "top_is_most_needed": self._share([(one.top_is_most_needed(manner), one.patient) for one in chosen]),
            }
            for manner in Manner
        }

    def _share(self, judged: Sequence[tuple[bool | None, str]]) -> dict[str, object]:
        told = [(right, patient) for right, patient in judged if right is not None]
        return clustered_share([right for right, _ in told], [who for _, who in told], seed=self.seed).as_dict()


def run(
    scenes: Iterable[LongitudinalScene], *, ground: str, draft: Drafter, backend: AnswerScoringBackend, seed: int
) -> AttributionResult:
    """Draft every case of every scene, and attribute the sentences that state its fact.

    Args:
        scenes: taken one at a time.
        ground: what the pictures are, for the record.
        draft: the product's own path.
        backend: of the same model.
        seed: that the scenes were made with; also of the words and of the bootstrap.
    """
    family = family_named(backend.spec.family)
    reads_prior = InputName.PRIOR_IMAGE not in family.never_reads(prior_image_given=True)
    panel, images = _Panel(draft, backend), 0
    for index, scene in enumerate(scenes):
        images += 1
        for one in fact_cases(scene, reads_prior=reads_prior, random=np.random.default_rng([seed, index, 31])):
            panel.ask(one)
    return AttributionResult(
        ground,
        images,
        tuple(panel.asked),
        tuple(panel.stated),
        tuple(panel.seconds),
        draft_faults(panel.drafts),
        seed,
        panel.drafts[0].model if panel.drafts else None,
    )


class _Panel:
    """Drafts cases and attributes what they state."""

    def __init__(self, draft: Drafter, backend: AnswerScoringBackend) -> None:
        self._draft, self._backend = draft, backend
        self.drafts: list[Draft] = []
        self.asked: list[tuple[Fact, str, bool]] = []
        self.stated: list[Stated] = []
        self.seconds: list[Seconds] = []

    def ask(self, one: FactCase) -> None:
        """One case: its draft, its evidence with the time that takes, and what it states."""
        trial = one.trial
        drafted = self._draft(trial.case, pixels=trial.rendered)
        self.drafts.append(drafted)
        sentences = drafted.report.sentences if drafted.report is not None else ()
        stating = tuple(index for index, sentence in enumerate(sentences) if one.states(sentence))
        self.asked.append((one.fact, trial.patient, bool(stating)))
        if drafted.report is None:
            return
        shown = self._timed(one, drafted)
        others = {
            manner: self._attributed(one, drafted, manner) for manner in Manner if stating and manner is not SHOWN
        }
        for index in stating:
            found: dict[Manner, Attribution | None] = {manner: each[index] for manner, each in others.items()}
            found[SHOWN] = shown[index]
            self.stated.append(Stated(one.fact, trial.patient, found))

    def _timed(self, one: FactCase, drafted: Draft) -> tuple[Attribution | None, ...]:
        case, pixels, watch = one.trial.case, one.trial.rendered, Stopwatch()
        found = attributions(case, pixels=pixels, draft=drafted, backend=self._backend)
        attributing = watch.lap()
        redrafts(case, pixels=pixels, backend=self._backend)
        subsets = max((each.coalitions for each in found if each is not None), default=0)
        self.seconds.append(Seconds(subsets, attributing, watch.lap()))
        return found

    def _attributed(self, one: FactCase, drafted: Draft, manner: Manner) -> tuple[Attribution | None, ...]:
        """The same sentences, scored in another manner than the product's."""
        said = spoken(drafted)
        if said is None or drafted.report is None:
            return (None,) * (len(drafted.report.sentences) if drafted.report is not None else 0)
        asked_about = table(one.trial.case, pixels=one.trial.rendered, backend=self._backend)
        values = values_of(asked_about, said, backend=self._backend, manner=manner)
        return tuple(attributed(asked_about.players, each) for each in values)
