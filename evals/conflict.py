"""Are conflicts between picture and note seen, and is there quiet where there is none?

Each case (`evals.conflict_cases`) is drafted three times by the product's own path: from the picture alone, with the
conflicting note, and with its clean twin. `grounding.conflict` is then asked as the product asks it. A planted
conflict is seen where a conflict cites the planted statement; a twin is a false alarm where any conflict is raised.

Recall stands overall, and among cases whose picture the draft of the image alone gets right (it points at the nodule;
where there is none, it states none): who does not see the nodule cannot see that the note is wrong about it. False
alarms stand over all twins, missed nodules and all; beside them, those of rightly drafted pictures. Apart from both:
radiographs that are labelled with an effusion, with a note that truly tells of one; a model that does not see it raises
a false alarm wherever its silence counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from cases.draft import Draft, ModelIdentity
from cases.study import Case, PriorNote
from evals.clustered import clustered_share
from evals.conflict_cases import ConflictCase, Planted
from evals.faults import Faults, draft_faults
from evals.matching import points_at
from evals.rate import Figure
from evals.trial import Drafter, Trial, trial_case
from grounding.conflict import Conflict, ConflictKind, conflicts
from grounding.findings import Finding
from grounding.report import GroundedSentence, Polarity, Progression

LESIONS = frozenset({Finding.NODULE.value, Finding.MASS.value})
EFFUSIONS = frozenset({Finding.EFFUSION.value})
RECALL_ASKED, ALARMS_ASKED = 0.90, 0.05
FITTING = {  # kinds of conflict by which a planted one may rightly be named
    Planted.FALSE_HISTORY: frozenset({ConflictKind.POLARITY, ConflictKind.LATERALITY}),
    Planted.STALE_NODULE: frozenset({ConflictKind.POLARITY}),
    Planted.WRONG_SIDE: frozenset({ConflictKind.LATERALITY}),
    Planted.RESOLVED_EFFUSION: frozenset({ConflictKind.POLARITY}),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was made of one case.

    Attributes:
        right_alone: the draft of the image alone has the picture right.
        seen: a conflict cites the planted statement.
        named: and is of the kind that was planted.
        alarms: kinds of the conflicts raised on the twin.
    """

    planted: Planted
    history: Progression
    patient: str
    right_alone: bool
    seen: bool
    named: bool
    alarms: tuple[ConflictKind, ...]


@dataclass(frozen=True, slots=True)
class EffusionVerdict:
    """What was made of a true note on a radiograph that is labelled with an effusion."""

    patient: str
    stated: bool
    alarm: bool


@dataclass(frozen=True, slots=True)
class ConflictResult:
    """All verdicts of a run."""

    verdicts: tuple[Verdict, ...]
    faults: Faults
    ground: str
    seed: int
    model: ModelIdentity | None
    states: frozenset[Finding]
    effusions: tuple[EffusionVerdict, ...] = ()

    def recall(self, among: Callable[[Verdict], bool]) -> Figure:
        """Planted conflicts that were seen."""
        return self._share(among, lambda one: one.seen)

    def false_alarms(self, among: Callable[[Verdict], bool]) -> Figure:
        """Clean twins on which any conflict was raised."""
        return self._share(among, lambda one: bool(one.alarms))

    def as_dict(self) -> dict[str, object]:
        """The shape of `overread eval conflict --json`."""
        found, alarms = self.recall(_found), self.false_alarms(_any)
        return {
            "n_conflicts": len(self.verdicts),
            "n_clean_twins": len(self.verdicts),
            "n_patients": len({one.patient for one in self.verdicts}),
            "seed": self.seed,
            "ground": self.ground,
            "model": None if self.model is None else asdict(self.model),
            "silence_counts_for": sorted(finding.value for finding in self.states),
            "right_alone": self._share(_any, _right).as_dict(),
            "recall_found_lesions": found.as_dict(),
            "recall_right_alone": self.recall(_right).as_dict(),
            "recall_overall": self.recall(_any).as_dict(),
            "named_among_seen": self._share(lambda one: one.seen, lambda one: one.named).as_dict(),
            "false_alarms": alarms.as_dict(),
            "false_alarms_right_alone": self.false_alarms(_right).as_dict(),
            "by_kind": {kind.value: self._of_kind(kind) for kind in Planted},
            "false_alarms_by_history": {
                history.value: self.false_alarms(_of(history)).as_dict() for history in self._histories()
            },
            "false_alarm_kinds": {
                kind.value: sum(kind in one.alarms for one in self.verdicts) for kind in ConflictKind
            },
            "labelled_effusions": {
                "stated": self._of_effusions(lambda one: one.stated).as_dict(),
                "false_alarms": self._of_effusions(lambda one: one.alarm).as_dict(),
            },
            "asked": {"recall_found_lesions": RECALL_ASKED, "false_alarms": ALARMS_ASKED},
            "holds": {
                "recall_found_lesions": None if found.value is None else found.value >= RECALL_ASKED,
                "false_alarms": None if alarms.value is None else alarms.value <= ALARMS_ASKED,
            },
            "faults": self.faults.as_dict(),
            "what": "recall: a conflict cites the planted statement; a false alarm: any conflict on a clean twin",
            "intervals": "95 %, bootstrap of whole patients (Wilson over patients where all or none were)",
        }

    def _of_kind(self, kind: Planted) -> dict[str, object]:
        def of_kind(one: Verdict) -> bool:
            return one.planted is kind

        return {
            "right_alone": self._share(of_kind, _right).as_dict(),
            "recall": self.recall(lambda one: of_kind(one) and one.right_alone).as_dict(),
            "recall_overall": self.recall(of_kind).as_dict(),
            "false_alarms": self.false_alarms(of_kind).as_dict(),
        }

    def _of_effusions(self, done: Callable[[EffusionVerdict], bool]) -> Figure:
        patients = [one.patient for one in self.effusions]
        return clustered_share([done(one) for one in self.effusions], patients, seed=self.seed)

    def _histories(self) -> tuple[Progression, ...]:
        return tuple(history for history in Progression if any(one.history is history for one in self.verdicts))

    def _share(self, among: Callable[[Verdict], bool], done: Callable[[Verdict], bool]) -> Figure:
        chosen = [one for one in self.verdicts if among(one)]
        return clustered_share([done(one) for one in chosen], [one.patient for one in chosen], seed=self.seed)


def run(
    cases: Iterable[ConflictCase],
    *,
    draft: Drafter,
    states: frozenset[Finding],
    ground: str,
    seed: int,
    effusions: Iterable[tuple[Trial, PriorNote]] = (),
) -> ConflictResult:
    """Draft each case alone, with the conflicting note and with its twin, and ask for conflicts.

    Args:
        cases: taken one at a time.
        draft: the product's own path.
        states: findings on which the model's silence says "none", as the product takes it.
        ground: what the lesions were put into, in words.
        seed: that the cases were made with; also of the bootstrap.
        effusions: radiographs with an effusion, and a note that tells of it.
    """
    drafts: list[Draft] = []
    verdicts = tuple(_verdict(case, draft, states, drafts) for case in cases)
    there = tuple(_effusion_verdict(trial, note, draft, states, drafts) for trial, note in effusions)
    model = drafts[0].model if drafts else None
    return ConflictResult(verdicts, draft_faults(drafts), ground, seed, model, states, there)


def _verdict(case: ConflictCase, draft: Drafter, states: frozenset[Finding], drafts: list[Draft]) -> Verdict:
    pixels = case.trial.pixels
    alone, conflicting, clean = (
        draft(_with(case.trial.case, note), pixels=pixels) for note in (None, case.conflicting, case.clean)
    )
    drafts += [alone, conflicting, clean]
    seen = [one for one in _raised(alone, conflicting, case.conflicting, states) if _cites(one, case.statement)]
    return Verdict(
        case.planted,
        case.history,
        case.trial.patient,
        right_alone=_is_right(alone, case),
        seen=bool(seen),
        named=any(one.kind in FITTING[case.planted] for one in seen),
        alarms=tuple(one.kind for one in _raised(alone, clean, case.clean, states)),
    )


def _effusion_verdict(
    trial: Trial, note: PriorNote, draft: Drafter, states: frozenset[Finding], drafts: list[Draft]
) -> EffusionVerdict:
    alone, told = (draft(_with(trial.case, one), pixels=trial.pixels) for one in (None, note))
    drafts += [alone, told]
    return EffusionVerdict(
        trial.patient, stated=_states(alone, EFFUSIONS), alarm=bool(_raised(alone, told, note, states))
    )


def _states(draft: Draft, findings: frozenset[str]) -> bool:
    """Whether a report says that one of these is there, or suspects it."""
    sentences = draft.report.sentences if draft.report is not None else ()
    return any(one.finding in findings and one.polarity is not Polarity.ABSENT for one in sentences)


def _raised(alone: Draft, told: Draft, note: PriorNote, states: frozenset[Finding]) -> tuple[Conflict, ...]:
    """A failed draft raises nothing: the product has no sentence to lay a conflict beside."""
    if told.report is None:
        return ()
    return conflicts(told.report, image_only=alone.report, notes={note.note_id: note.text}, states=states)


def _cites(one: Conflict, statement: str) -> bool:
    return one.note_says in statement or statement in one.note_says


def _with(case: Case, note: PriorNote | None) -> Case:
    if case.image is None:
        msg = f"a case of this measure has an image: {case.case_id}"
        raise ValueError(msg)
    notes = () if note is None else (note,)
    return trial_case(case.case_id, case.image, notes=notes, age_years=case.age_years, sex=case.sex)


def _is_right(alone: Draft, case: ConflictCase) -> bool:
    """Whether the draft of the image alone points at the nodule, or states none of what the picture has not."""
    if alone.report is None:
        return False
    sentences = alone.report.sentences
    if case.planted.shows_nodule:
        return any(_points(sentence, case.trial) for sentence in sentences)
    return not _states(alone, LESIONS if case.planted is Planted.STALE_NODULE else EFFUSIONS)


def _points(sentence: GroundedSentence, trial: Trial) -> bool:
    rows, columns = trial.pixels.shape
    return any(
        points_at(box.center, lesion.box, columns=columns, rows=rows)
        for box in sentence.boxes
        for lesion in trial.lesions
    )


def _any(_: Verdict) -> bool:
    return True


def _right(one: Verdict) -> bool:
    return one.right_alone


def _found(one: Verdict) -> bool:
    return one.right_alone and one.planted.shows_nodule


def _of(history: Progression) -> Callable[[Verdict], bool]:
    return lambda one: one.history is history
