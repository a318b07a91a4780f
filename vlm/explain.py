"""The evidence of one draft: everything that is measured of it, put together, and what the written rules make of it.

What needs the model is asked of the backend that drafted; what needs only words is told without one, so that a draft
whose model is gone still has its conflicts among notes, its broken rules and its injected instructions. A measure that
the model cannot give, or breaks down on, is None: not measured, never zero. Nothing here changes a draft.

Not here: each measure itself (imported below), and keeping the evidence (`cases.store`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cases.draft import Draft, StageSeconds
from cases.evidence import DraftEvidence, SentenceEvidence
from cases.pixels import Pixels, Rendered
from cases.study import Case, InputName
from cases.untrusted import untrusted_texts
from grounding.attribution import Attribution
from grounding.check import Violation, violations
from grounding.confidence import Confidence
from grounding.conflict import Conflict, conflicts
from grounding.contradiction import contradictions
from grounding.copied import copied_shares, copied_text
from grounding.findings import Finding
from grounding.heatmap import Heatmap
from grounding.injection import injections
from grounding.redraft import RedraftChange, SentenceChange, report_changes
from grounding.report import GroundedReport
from grounding.triggers import triggered
from vlm.backend import Backend
from vlm.burnt_in import burnt_in
from vlm.coalitions import attributions
from vlm.confidence import confidences, lacking
from vlm.facts import facts_of
from vlm.families import family_named
from vlm.looking import heatmaps
from vlm.prompt import is_missing
from vlm.question import fitting_prompt, shows_prior
from vlm.redrafts import Redrafts, redraft, redrafts
from vlm.rulebook import Rules
from vlm.unlike_training import unlikeness

T = TypeVar("T")
NO_REDRAFTS = Redrafts(None, None)
UNSTAMPED = "unstamped"  # whoever keeps the evidence gives it its id and its time


@dataclass(frozen=True, slots=True)
class _Measured:
    """What only the model can tell; each None where it could not."""

    attributions: tuple[Attribution | None, ...] | None = None
    redrafts: Redrafts = NO_REDRAFTS
    confidences: tuple[Confidence | None, ...] | None = None
    heatmaps: tuple[Heatmap | None, ...] | None = None
    unlikeness: float | None = None
    unread_notes: int | None = None
    states: frozenset[Finding] = frozenset()
    prior_shown: bool | None = None
    lacking: tuple[tuple[str, ...], ...] | None = None
    quantization_changes: int | None = None


@dataclass(slots=True)
class _Stopwatch:
    """Runs measures one by one, and keeps how long each took."""

    stages: list[StageSeconds] = field(default_factory=list)

    def timed(self, stage: str, measure: Callable[[], T]) -> T:
        """What the measure gives."""
        started = time.perf_counter()
        try:
            return measure()
        finally:
            self.stages.append(StageSeconds(stage, time.perf_counter() - started))

    def tried(self, stage: str, measure: Callable[[], T]) -> T | None:
        """What the measure gives, None where the model broke down on it: one that needs too much costs no other."""
        try:
            return self.timed(stage, measure)
        except (RuntimeError, MemoryError):  # a BackendError among them, and what torch raises without memory left
            return None


def explain(
    case: Case,
    *,
    pixels: Rendered,
    draft: Draft,
    backend: Backend | None,
    rules: Rules,
    quantized: Backend | None = None,
) -> DraftEvidence:
    """The evidence of a draft; its id and its time are still to be given by whoever keeps it.

    Args:
        case: that was drafted.
        pixels: of its images, or of the current one alone.
        draft: of this case, with a report.
        backend: that drafted; None where the model cannot be asked any more.
        rules: in force.
        quantized: the same model with fewer bits; None where nobody asks what it would draft.

    Raises:
        ValueError: the draft holds no report, or is of another case.
        CalibrationError: the calibration is of another model.
    """
    report = draft.report
    if report is None or draft.case_id != case.case_id:
        msg = f"evidence is of a draft with a report, of its own case: draft {draft.draft_id} is {draft.status.value}"
        raise ValueError(msg)
    watch = _Stopwatch()
    measured = _Measured() if backend is None else _measured(case, pixels, draft, backend, rules, watch)
    if quantized is not None:
        again = watch.tried("quantized", lambda: _differing(report, case, pixels=pixels, quantized=quantized))
        measured = replace(measured, quantization_changes=again)
    evidence = watch.timed("words", lambda: _told(case, pixels, draft, report, measured))
    evidence = replace(evidence, protocol_sha256=rules.protocol.sha256, seconds=tuple(watch.stages))
    facts = facts_of(report, evidence, unread_notes=measured.unread_notes, lacking=measured.lacking)
    return replace(evidence, triggers=triggered(facts, rules.protocol.rules))


def _measured(
    case: Case, pixels: Rendered, draft: Draft, backend: Backend, rules: Rules, watch: _Stopwatch
) -> _Measured:
    """All that the model is asked."""
    known = rules.calibration
    return _Measured(
        watch.tried("attribution", lambda: attributions(case, pixels=pixels, draft=draft, backend=backend)),
        watch.tried("redrafts", lambda: redrafts(case, pixels=pixels, backend=backend)) or NO_REDRAFTS,
        watch.tried(
            "confidence", lambda: confidences(case, pixels=pixels, draft=draft, backend=backend, calibration=known)
        ),
        watch.tried("heatmaps", lambda: heatmaps(case, pixels=pixels, draft=draft, backend=backend)),
        watch.tried("unlikeness", lambda: unlikeness(case, pixels=pixels, backend=backend)),
        watch.tried("prompt", lambda: _unread_notes(case, backend)),
        family_named(backend.spec.family).sees,
        shows_prior(case, family_named(backend.spec.family)),
        lacking(draft, case, backend.spec),
    )


def _told(case: Case, pixels: Rendered, draft: Draft, report: GroundedReport, measured: _Measured) -> DraftEvidence:
    """The evidence as far as words go, with what the model told laid beside it."""
    notes = {} if is_missing(case, InputName.PRIOR_NOTES) else {note.note_id: note.text for note in case.notes}
    clashes = _clashes(report, measured, notes)
    shown = Pixels.of(pixels)
    alone, blind = _changes(report, measured.redrafts)
    imaged = measured.prior_shown if measured.prior_shown is not None else _has_prior_image(case)
    broken = violations(report, notes=notes, has_prior=bool(notes) or imaged, has_prior_image=imaged)
    return DraftEvidence(
        evidence_id=UNSTAMPED,
        draft_id=draft.draft_id,
        case_id=case.case_id,
        created=draft.created,
        sentences=_sentences(report, measured, notes=notes, clashes=clashes, changes=(alone, blind), broken=broken),
        protocol_sha256="",
        conflicts_unplaced=_placed(clashes, None) or (),
        contradictions=contradictions(notes),
        copied=copied_text(notes),
        injections=(*injections(untrusted_texts(case)), *burnt_in(shown.current), *burnt_in(shown.prior)),
        unlikeness=measured.unlikeness,
        missing=tuple(name.value for name in InputName if is_missing(case, name)),
        appearing_without_notes=_appearing(alone),
        appearing_without_image=_appearing(blind),
        quantization_changes=measured.quantization_changes,
    )


Changes = tuple[SentenceChange, ...] | None
Conflicts = tuple[Conflict, ...] | None


def _sentences(
    report: GroundedReport,
    measured: _Measured,
    *,
    notes: Mapping[str, str],
    clashes: Conflicts,
    changes: tuple[Changes, Changes],
    broken: tuple[Violation, ...],
) -> tuple[SentenceEvidence, ...]:
    nothing = (None,) * len(report.sentences)
    shares = copied_shares([sentence.text for sentence in report.sentences], notes) if notes else nothing
    by_model = zip(
        measured.attributions or nothing,
        measured.confidences or nothing,
        measured.heatmaps or nothing,
        shares,
        strict=True,
    )
    return tuple(
        SentenceEvidence(
            index,
            attribution,
            _of(changes[0], index),
            _of(changes[1], index),
            _placed(clashes, index),
            copied,
            confidence,
            heatmap,
            tuple(one for one in broken if one.sentence == index),
        )
        for index, (attribution, confidence, heatmap, copied) in enumerate(by_model)
    )


def _clashes(report: GroundedReport, measured: _Measured, notes: Mapping[str, str]) -> Conflicts:
    """Where images and notes disagree; None where there are notes and nobody knows what the images say alone."""
    alone = measured.redrafts.from_images(report)
    if alone is None and notes:
        return None
    return conflicts(report, image_only=alone, notes=notes, states=measured.states)


def _placed(clashes: Conflicts, sentence: int | None) -> Conflicts:
    return None if clashes is None else tuple(one for one in clashes if one.sentence == sentence)


def _changes(report: GroundedReport, again: Redrafts) -> tuple[Changes, Changes]:
    """What the two redrafts have otherwise; None where one was not made."""
    others = (again.without_notes, again.without_image)
    alone, blind = (None if other is None else report_changes(report, other) for other in others)
    return alone, blind


def _of(changes: Changes, sentence: int) -> Changes:
    return None if changes is None else tuple(one for one in changes if one.sentence == sentence)


def _appearing(changes: Changes) -> Changes:
    return None if changes is None else tuple(one for one in changes if one.change is RedraftChange.APPEARS)


def _differing(report: GroundedReport, case: Case, *, pixels: Rendered, quantized: Backend) -> int:
    """How many sentences the quantized model drafts otherwise: all of them where it drafts none."""
    other = redraft(case, pixels=pixels, backend=quantized, removed=frozenset())
    if other is None:
        return len(report.sentences)
    changes = report_changes(report, other)
    appearing = sum(one.sentence is None for one in changes)
    return appearing + len({one.sentence for one in changes if one.sentence is not None})


def _has_prior_image(case: Case) -> bool:
    return case.prior_image is not None and not is_missing(case, InputName.PRIOR_IMAGE)


def _unread_notes(case: Case, backend: Backend) -> int:
    """How many of the case's notes the model was not given, or not to their end."""
    if is_missing(case, InputName.PRIOR_NOTES):
        return 0
    family = family_named(backend.spec.family)
    if InputName.PRIOR_NOTES in family.never_reads(prior_image_given=shows_prior(case, family)):
        return len(case.notes)
    prompt = fitting_prompt(case, backend)
    return len({*prompt.left_out_note_ids, *prompt.cut_note_ids})
