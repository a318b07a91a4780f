"""What quantization does to the drafts: the same cases by the whole model and by its quantized twin, case by case.

Differences are paired: both models draft the same case, so chance of the cases cancels out. Intervals resample whole
patients; where no case differs, every resample agrees, and the interval is then as wide as the Wilson bound on the
share of patients that could still differ. Not here: what is allowed (`evals.quantization_gate`), how the models are
loaded and run (`evals.quantization_run`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cases.draft import Draft, DraftStatus
from evals.bootstrap import cluster_ci95, ratio
from evals.clustered import clustered_share
from evals.draft_change import FACTS, DraftChange, draft_change
from evals.localization import summary
from evals.outcome import Outcome
from evals.rate import UNMEASURED, Figure, Rate

SAME_PLACE_IOU = 0.5
NO_TRIGGERS = "not measured: there are no rules for a second look yet"


@dataclass(frozen=True, slots=True)
class Memory:
    """What a loaded model holds, as `vlm.backends.footprint` counts it.

    Attributes:
        total_bytes: weights and quantization state.
        quant_state_bytes: the state alone (block scales, row scales).
        saved_bytes: of the file that saving the loaded model would write.
        quantized_layers: how many layers are in 4 or 8 bits.
    """

    total_bytes: int
    quant_state_bytes: int
    saved_bytes: int
    quantized_layers: int


@dataclass(frozen=True, slots=True)
class Drafted:
    """All cases by one model, in one order.

    Attributes:
        name: "float32", "bfloat16", "int8", "nf4".
        drafts, outcomes, seconds: one a case.
        log_probabilities: mean log-probability of the tokens of each answer; None where there was none.
        memory: of the loaded model.
    """

    name: str
    drafts: tuple[Draft, ...]
    outcomes: tuple[Outcome, ...]
    seconds: tuple[float, ...]
    log_probabilities: tuple[float | None, ...]
    memory: Memory

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        lengths = {len(self.drafts), len(self.outcomes), len(self.seconds), len(self.log_probabilities)}
        if len(lengths) != 1:
            msg = f"one draft, outcome, time and log-probability a case: {sorted(lengths)}"
            raise ValueError(msg)


def own_figures(drafted: Drafted, *, seed: int) -> dict[str, object]:
    """One model by itself: localization, faults, seconds, memory."""
    result = summary(drafted.outcomes, drafts=drafted.drafts, seconds=drafted.seconds, seed=seed).as_dict()
    memory = drafted.memory
    return {
        "localization": {name: result[name] for name in ("n_images", "n_lesions", "sensitivity_at", "as_drafted")},
        "faults": result["faults"],
        "seconds_per_draft": result["seconds_per_draft"],
        "model": result["model"],
        "memory_bytes": memory.total_bytes,
        "quant_state_bytes": memory.quant_state_bytes,
        "saved_bytes": memory.saved_bytes,
        "quantized_layers": memory.quantized_layers,
    }


def pair_figures(whole: Drafted, quantized: Drafted, *, seed: int) -> dict[str, object]:
    """The quantized model beside the whole one: every figure that a limit may be set on.

    Raises:
        ValueError: they did not draft the same cases in the same order.
    """
    changes = tuple(draft_change(a, b) for a, b in zip(whole.drafts, quantized.drafts, strict=True))
    patients = [outcome.patient for outcome in whole.outcomes]
    return {
        "n_cases": len(changes),
        "findings": _findings(changes, patients, seed=seed),
        "boxes": _boxes(changes, patients, seed=seed),
        "localization_change": _localization(whole, quantized, patients, seed=seed),
        "confidence": _confidence(whole, quantized, changes, patients, seed=seed),
        "triggers": {"changed": UNMEASURED.as_dict(), "reason": NO_TRIGGERS},
        "failed": _failed(whole, quantized),
        "seconds_ratio": _ratio(quantized.seconds, whole.seconds, patients, seed=seed).as_dict(),
        "memory_ratio": quantized.memory.total_bytes / whole.memory.total_bytes,
        "saved_ratio": quantized.memory.saved_bytes / whole.memory.saved_bytes,
        "quantized_layers": quantized.memory.quantized_layers,
    }


def _findings(changes: Sequence[DraftChange], patients: Sequence[str], *, seed: int) -> dict[str, object]:
    """Counts of sentences, and the shares of cases with a change: any, and of each fact."""

    def share(changed: Callable[[DraftChange], bool]) -> dict[str, object]:
        done = [changed(change) for change in changes]
        return {**clustered_share(done, patients, seed=seed).as_dict(), "count": sum(done)}

    return {
        "sentences": sum(change.sentences for change in changes),
        "gained": sum(change.gained for change in changes),
        "lost": sum(change.lost for change in changes),
        **{f"{fact}_changed": sum(change.changed[at] for change in changes) for at, fact in enumerate(FACTS)},
        "cases_with_any_change": share(lambda change: change.any_finding),
        "cases_with_sentence_gained_or_lost": share(lambda change: bool(change.gained or change.lost)),
        "cases_with_polarity_or_side_changed": share(
            lambda change: change.differs_in("polarity") or change.differs_in("laterality")
        ),
        "cases_with_progression_changed": share(lambda change: change.differs_in("progression")),
    }


def _boxes(changes: Sequence[DraftChange], patients: Sequence[str], *, seed: int) -> dict[str, object]:
    owned = [(patient, box) for patient, change in zip(patients, changes, strict=True) for box in change.boxes]
    clusters, overlaps = [patient for patient, _ in owned], [box.iou for _, box in owned]
    moved = clustered_share([iou < SAME_PLACE_IOU for iou in overlaps], clusters, seed=seed)
    return {
        "matched": len(owned),
        "gained": sum(change.boxes_gained for change in changes),
        "lost": sum(change.boxes_lost for change in changes),
        "iou_mean": mean_of(overlaps, clusters, seed=seed).as_dict(),
        "iou_below_half": {**moved.as_dict(), "count": sum(iou < SAME_PLACE_IOU for iou in overlaps)},
    }


def _localization(whole: Drafted, quantized: Drafted, patients: Sequence[str], *, seed: int) -> dict[str, object]:
    """Quantized less whole, image by image: of the sensitivity as drafted, of false boxes an image, of deviation."""
    ours, theirs = whole.outcomes, quantized.outcomes
    lesions = [len(outcome.lesions) for outcome in ours]
    hits = [_hits(b) - _hits(a) for a, b in zip(ours, theirs, strict=True)]
    false = [_false(b) - _false(a) for a, b in zip(ours, theirs, strict=True)]
    moved = [sum(b.deviations_px_1024) - sum(a.deviations_px_1024) for a, b in zip(ours, theirs, strict=True)]
    return {
        "sensitivity": paired_difference(hits, lesions, patients, seed=seed).as_dict(),
        "false_boxes_per_image": paired_difference(false, [1] * len(false), patients, seed=seed).as_dict(),
        "deviation_px_1024": _difference(moved, lesions, patients, seed=seed).as_dict(),
    }


def _hits(outcome: Outcome) -> int:
    return sum(box is not None for box in outcome.match.found_by)


def _false(outcome: Outcome) -> int:
    return sum(lesion is None for lesion in outcome.match.finds)


def paired_difference(
    differences: Sequence[float], denominators: Sequence[float], patients: Sequence[str], *, seed: int
) -> Figure:
    """Sum of differences of counts over sum of denominators, with an interval over whole patients.

    Where no image differs every resample agrees; the interval is then that of one thing more or less in as many
    patients as could still differ (Wilson).

    Args:
        differences: of each image, quantized less whole, a count.
        denominators: of each image, what the figure counts in (lesions, or 1).
        patients: cluster of each image.
        seed: of the bootstrap.

    >>> paired_difference([0, 0], [1, 1], ["a", "b"], seed=0).ci95 == (-Rate(0, 2).ci95[1], Rate(0, 2).ci95[1])
    True
    """
    found = _difference(differences, denominators, patients, seed=seed)
    if found.value is None or any(differences):
        return found
    judged = {patient for patient, weight in zip(patients, denominators, strict=True) if weight}
    bound = (Rate(0, len(judged)).ci95 or (0.0, 1.0))[1]
    return Figure(found.value, (-bound, bound), found.n)


def _difference(
    differences: Sequence[float], denominators: Sequence[float], patients: Sequence[str], *, seed: int
) -> Figure:
    """The same of lengths, which have no such bound: without any difference there is no interval."""
    total = float(sum(denominators))
    if not total:
        return UNMEASURED
    value = float(sum(differences)) / total
    statistic = ratio(np.asarray(differences, np.float64), np.asarray(denominators, np.float64))
    interval = cluster_ci95(patients, statistic, seed=seed) if any(differences) else None
    return Figure(value, interval, int(total))


def mean_of(values: Sequence[float], patients: Sequence[str], *, seed: int) -> Figure:
    """The mean, with an interval over whole patients; unmeasured where there is nothing."""
    if not values:
        return UNMEASURED
    array = np.asarray(values, dtype=np.float64)
    interval = cluster_ci95(patients, ratio(array, np.ones(array.size)), seed=seed)
    return Figure(float(array.mean()), interval, int(array.size))


def _confidence(
    whole: Drafted, quantized: Drafted, changes: Sequence[DraftChange], patients: Sequence[str], *, seed: int
) -> dict[str, object]:
    """Mean absolute change of the scores of paired boxes, and of the mean log-probability of an answer's tokens."""
    scored = [
        (patient, abs(box.scores[1] - box.scores[0]))
        for patient, change in zip(patients, changes, strict=True)
        for box in change.boxes
        if box.scores is not None
    ]
    both = zip(patients, whole.log_probabilities, quantized.log_probabilities, strict=True)
    answers = [(patient, abs(b - a)) for patient, a, b in both if a is not None and b is not None]
    return {
        "box_score_change": mean_of([x for _, x in scored], [p for p, _ in scored], seed=seed).as_dict(),
        "answer_log_probability_change": mean_of([x for _, x in answers], [p for p, _ in answers], seed=seed).as_dict(),
    }


def _failed(whole: Drafted, quantized: Drafted) -> dict[str, object]:
    """Failed drafts of each, and cases that the whole model drafted and the quantized one failed."""
    pairs = list(zip(whole.drafts, quantized.drafts, strict=True))
    drafted = [(a, b) for a, b in pairs if a.report is not None]
    return {
        "whole": _failures(whole.drafts).as_dict(),
        "quantized": _failures(quantized.drafts).as_dict(),
        "newly_failed": Rate(sum(b.failure is not None for _, b in drafted), len(drafted)).as_dict(),
    }


def _failures(drafts: Sequence[Draft]) -> Rate:
    attempted = [draft for draft in drafts if draft.status is not DraftStatus.ABSTAINED]
    return Rate(sum(draft.failure is not None for draft in attempted), len(attempted))


def _ratio(ours: Sequence[float], theirs: Sequence[float], patients: Sequence[str], *, seed: int) -> Figure:
    below = np.asarray(theirs, dtype=np.float64)
    if not below.sum():
        return UNMEASURED
    above = np.asarray(ours, dtype=np.float64)
    return Figure(float(above.sum() / below.sum()), cluster_ci95(patients, ratio(above, below), seed=seed), below.size)
