"""The same case with inputs removed: does the draft become surer without cause?

Each input that a case has beside its current image is removed alone, then all of them together, and the case is drafted
again. Every sentence of such a redraft that takes a stand which the full draft takes too is a pair. It has *sharpened*
when its probability is higher by more than `TOLERANCE`, or when it moves from REVIEW to ACCEPT. It has *cause* when
something that was removed speaks against it: a finding of the removed texts that contradicts its stand. The image
itself is removed too: without it no probability may be given at all.

Two figures stand beside it. A set that moves from REVIEW to ACCEPT is the sharpening that nobody would look at again.
And a probability also falls by as much, now and then, when an input goes that has nothing to do with the sentence:
where rises are no more frequent than such falls, they are the model's unsteadiness and no trust in less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cases.draft import Draft
from cases.study import Case
from evals.calibration_cases import Drafted
from evals.clustered import clustered_share
from evals.trial import Drafter, Trial
from grounding.attribution import EvidenceInput
from grounding.confidence import Confidence, ConfidenceSet
from grounding.context import read_note
from grounding.stance import Stance, stance_of, stance_of_mention
from vlm.coalitions import without

TOLERANCE = 0.05  # of probability
ALL_CONTEXT = "all_context"
RULE = f"surer by more than {TOLERANCE}, or from review to accept, though nothing removed contradicts the sentence"

Confider = Callable[[Trial, Draft], tuple[Confidence | None, ...]]


@dataclass(frozen=True, slots=True)
class Pair:
    """One stand in a full draft and in the draft with an input removed.

    Attributes:
        removed: the input's name, or `ALL_CONTEXT`.
        sharpened: see the module. caused: something removed contradicts it.
        moved: from REVIEW to ACCEPT. widened: less sure by more than the tolerance, from accept to review, or without a
            probability.
        accepted: ACCEPT without the input.
    """

    patient: str
    removed: str
    sharpened: bool
    caused: bool
    moved: bool
    widened: bool
    accepted: bool


@dataclass(frozen=True, slots=True)
class Sharpening:
    """All pairs of one run."""

    cases: int
    pairs: tuple[Pair, ...]
    seed: int

    def as_dict(self) -> dict[str, object]:
        """The share that sharpened without cause, overall and by input; and how often the redraft was accepted."""
        removed = sorted({pair.removed for pair in self.pairs})
        return {
            "cases": self.cases,
            **self._share(self.pairs),
            "with_cause": self._figure([pair.sharpened and pair.caused for pair in self.pairs], self.pairs),
            "to_accept_without_cause": self._figure([p.moved and not p.caused for p in self.pairs], self.pairs),
            "widened": self._figure([pair.widened for pair in self.pairs], self.pairs),
            "by_input": {name: self._share([p for p in self.pairs if p.removed == name]) for name in removed},
            "accepted_without_image": self._figure(
                [p.accepted for p in self.pairs if p.removed == EvidenceInput.CURRENT_IMAGE.value],
                [p for p in self.pairs if p.removed == EvidenceInput.CURRENT_IMAGE.value],
            ),
            "tolerance": TOLERANCE,
            "rule": RULE,
        }

    def _share(self, pairs: Iterable[Pair]) -> dict[str, object]:
        listed = list(pairs)
        return self._figure([pair.sharpened and not pair.caused for pair in listed], listed)

    def _figure(self, done: list[bool], pairs: Iterable[Pair]) -> dict[str, object]:
        return clustered_share(done, [pair.patient for pair in pairs], seed=self.seed).as_dict()


def sharpening(drafted: Iterable[Drafted], *, draft: Drafter, confide: Confider, seed: int) -> Sharpening:
    """Remove inputs from each case and compare.

    Args:
        drafted: cases with their full drafts; those that failed are passed over.
        draft: the product's own path.
        confide: the product's own confidences of a draft of a trial.
        seed: of the intervals.
    """
    pairs: list[Pair] = []
    cases = 0
    for one in drafted:
        if one.draft.report is not None:
            cases += 1
            pairs += _pairs(one.trial.trial, one.draft, draft=draft, confide=confide)
    return Sharpening(cases, tuple(pairs), seed)


def removals(case: Case) -> Iterator[tuple[str, frozenset[EvidenceInput]]]:
    """What is removed from a case, by name."""
    reports = any(note.kind == "report" for note in case.notes)
    others = any(note.kind != "report" for note in case.notes) or case.indication is not None
    present = {
        EvidenceInput.CURRENT_IMAGE: True,
        EvidenceInput.PRIOR_IMAGE: case.prior_image is not None,
        EvidenceInput.PRIOR_REPORT: reports,
        EvidenceInput.CLINICAL_NOTES: others,
        EvidenceInput.STRUCTURED_VALUES: bool(case.observations),
    }
    there = [name for name, is_there in present.items() if is_there]
    for name in there:
        yield name.value, frozenset({name})
    if len(there) > 2:
        yield ALL_CONTEXT, frozenset(there) - {EvidenceInput.CURRENT_IMAGE}


def _pairs(trial: Trial, full: Draft, *, draft: Drafter, confide: Confider) -> Iterator[Pair]:
    before = _surest(full, confide(trial, full))
    for name, gone in removals(trial.case):
        fewer = Trial(without(trial.case, None, gone)[0], trial.pixels, trial.patient, trial.lesions)
        again = draft(fewer.case, pixels=fewer.pixels)
        told = _told(trial.case, fewer.case)
        for stance, after in _surest(again, confide(fewer, again)).items():
            if stance in before:
                yield Pair(
                    trial.patient,
                    name,
                    sharpened=_sharpened(before[stance], after),
                    caused=any(stance.contradicts(other) for other in told),
                    moved=_moved(before[stance], after),
                    widened=_sharpened(after, before[stance]),
                    accepted=after.needs is ConfidenceSet.ACCEPT,
                )


def _surest(draft: Draft, given: tuple[Confidence | None, ...]) -> dict[Stance, Confidence]:
    """The surest sentence of each stand."""
    found: dict[Stance, Confidence] = {}
    for sentence, confidence in zip(draft.report.sentences if draft.report else (), given, strict=True):
        stance = stance_of(sentence.text)
        if stance is None or confidence is None:
            continue
        if stance not in found or (confidence.calibrated or 0.0) > (found[stance].calibrated or 0.0):
            found[stance] = confidence
    return found


def _sharpened(before: Confidence, after: Confidence) -> bool:
    if after.calibrated is None:
        return False
    if before.calibrated is None:
        return True
    return _moved(before, after) or after.calibrated > before.calibrated + TOLERANCE


def _moved(before: Confidence, after: Confidence) -> bool:
    return before.needs is ConfidenceSet.REVIEW and after.needs is ConfidenceSet.ACCEPT


def _told(case: Case, fewer: Case) -> tuple[Stance, ...]:
    """The stands of all that the one case's texts say and the other's no longer do."""
    left = {note.note_id for note in fewer.notes}
    texts = [note.text for note in case.notes if note.note_id not in left]
    if case.indication is not None and fewer.indication is None:
        texts.append(case.indication)
    mentions = (mention for text in texts for part in read_note(text) for mention in part.reading.mentions)
    return tuple(stance for mention in mentions if (stance := stance_of_mention(mention)) is not None)


__all__ = ["TOLERANCE", "Pair", "Sharpening", "removals", "sharpening"]
