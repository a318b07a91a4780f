"""How sure each drafted sentence is: its raw score, the probability that it is right, and whether it needs a look.

Whether a score is signal or missing input is said with it. A sentence leans on the current image, and one that states a
change leans on something to compare with: a prior image or an earlier note. Where such an input is missing, or is one
that this model does not read, the sentence needs a look whatever its score, and the missing input is named. So removing
an input that a sentence leans on can only widen its set, never sharpen it. Without a current image no probability is
given at all: none was ever calibrated there.

Not here: how scores are made (`vlm.raw_scores`), the maths (`grounding.confidence`), the file (`vlm.calibration_file`).
"""

from __future__ import annotations

from typing import Final

from cases.draft import Draft
from cases.pixels import Rendered
from cases.study import Case, InputName
from grounding.confidence import Confidence, ConfidenceSet
from grounding.report import GroundedSentence, Progression
from grounding.stance import Stance, stance_of
from vlm.backend import Backend
from vlm.calibration_file import Calibration
from vlm.families import family_named
from vlm.model_spec import ModelSpec
from vlm.prompt import is_missing
from vlm.question import shows_prior
from vlm.raw_scores import Method, raw_scores

UNCALIBRATED: Final = Method.SEQUENCE  # every model that can be scored has it; shown where there is no calibration
NO_CHANGE: Final = frozenset({Progression.NOT_STATED, Progression.NOT_COMPARABLE})


def confidences(
    case: Case, *, pixels: Rendered, draft: Draft, backend: Backend, calibration: Calibration | None
) -> tuple[Confidence | None, ...]:
    """The confidence of each sentence of a draft, in order.

    Args:
        case: that was drafted, with the inputs that the draft had.
        pixels: of its images, or of the current one alone.
        draft: of this case by this backend's model.
        backend: that drafted it.
        calibration: of exactly this model; None leaves raw scores without probabilities and sets.

    Returns:
        None for a sentence that takes no stand on the image, or that the method cannot score; empty for a draft
        without a report. A stand that no curve covers (a hedged one, a finding that was never judged) has no
        probability and needs a look.

    Raises:
        CalibrationError: the calibration is of another model.
        BackendError: the model's fault.
    """
    if draft.report is None:
        return ()
    if calibration is not None:
        calibration.refuse_other(backend.spec)
    method = UNCALIBRATED if calibration is None else calibration.method
    scores = raw_scores(case, pixels=pixels, draft=draft, backend=backend, methods=(method,))[method]
    return tuple(
        _confidence(score, method, calibration, stance_of(sentence.text), missing_for(sentence, case, backend.spec))
        for score, sentence in zip(scores, draft.report.sentences, strict=True)
    )


def _confidence(
    score: float | None,
    method: Method,
    calibration: Calibration | None,
    stance: Stance | None,
    missing: tuple[str, ...],
) -> Confidence | None:
    if score is None or stance is None:
        return None
    if calibration is None:
        return Confidence(score, method.value, None, None, ConfidenceSet.REVIEW if missing else None, missing)
    curve = calibration.curve(stance.kind)
    if curve is None or InputName.CURRENT_IMAGE.value in missing:
        return Confidence(score, method.value, None, None, ConfidenceSet.REVIEW, missing)
    probability = curve.probability(score)
    needs = ConfidenceSet.REVIEW if missing else calibration.rule.needs(probability)
    return Confidence(score, method.value, probability, calibration.calibrator_id, needs, missing)


def missing_for(sentence: GroundedSentence, case: Case, spec: ModelSpec) -> tuple[str, ...]:
    """Names of the inputs that a sentence leans on and that the model was not shown.

    Args:
        sentence: that takes a stand on the image.
        case: with the inputs that the draft had.
        spec: of the model: what it never reads counts as missing.
    """
    missing = []
    if is_missing(case, InputName.CURRENT_IMAGE):
        missing.append(InputName.CURRENT_IMAGE.value)
    if sentence.progression not in NO_CHANGE and not _comparable(case, spec):
        missing += [InputName.PRIOR_IMAGE.value, InputName.PRIOR_NOTES.value]
    return tuple(missing)


def lacking(draft: Draft, case: Case, spec: ModelSpec) -> tuple[tuple[str, ...], ...]:
    """Of each drafted sentence what `missing_for` says, empty where it takes no stand; no score is needed for it."""
    sentences = () if draft.report is None else draft.report.sentences
    return tuple(() if stance_of(one.text) is None else missing_for(one, case, spec) for one in sentences)


def _comparable(case: Case, spec: ModelSpec) -> bool:
    """Whether the model was shown anything earlier."""
    family = family_named(spec.family)
    prior = shows_prior(case, family)
    reads_notes = InputName.PRIOR_NOTES not in family.never_reads(prior_image_given=prior)
    return prior or (reads_notes and bool(case.notes) and not is_missing(case, InputName.PRIOR_NOTES))


__all__ = ["NO_CHANGE", "UNCALIBRATED", "confidences", "lacking", "missing_for"]
