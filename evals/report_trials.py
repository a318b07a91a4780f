"""Trials for judging a report's words: a case, and the claims that are true of it.

Three sources: lesions inserted into lesion-free radiographs, with truthful evaluation notes, so that side and change
are known; a folder's own labels and boxes, which know neither; and simulated cases, whose notes may be wrong. Only
findings within a trial's scope are judged: of others nobody knows the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cases.phantom.image_set import case_seed
from cases.phantom.lesions import Lesion as PhantomLesion
from cases.phantom.simulated import SimulatedCase, simulated_case
from cases.phantom.story import History
from cases.study import PriorNote
from evals.claim import Claim
from evals.labels import finding_of, labelled_findings
from evals.manifest import ManifestRow
from evals.note_wording import Remark, note_of, remark_on
from evals.priors import THEN, Change, size_mm, with_note
from evals.scenes import Ground, Scene, real_scenes
from evals.simulated import simulated_trial
from evals.sources import trial_of, unseen
from evals.trial import Lesion, Trial, image_of, trial_case
from grounding.findings import Finding, vocabulary
from grounding.report import Laterality, Polarity, Progression

NARROW = frozenset({Finding.NODULE, Finding.MASS})  # the embedded model's indication
MINED = frozenset(
    {
        Finding.ATELECTASIS,
        Finding.CARDIOMEGALY,
        Finding.CONSOLIDATION,
        Finding.EDEMA,
        Finding.EFFUSION,
        Finding.EMPHYSEMA,
        Finding.FIBROSIS,
        Finding.HERNIA,
        Finding.INFILTRATION,
        Finding.MASS,
        Finding.NODULE,
        Finding.PLEURAL_THICKENING,
        Finding.PNEUMONIA,
        Finding.PNEUMOTHORAX,
    }
)  # the vocabulary of the text-mined labels
NO_LESION = Claim(Finding.NODULE, Polarity.ABSENT)
# What the inserted cases are, by turns: (lesion on the image, what became of the lesion since the note; None: no note).
TURNS: tuple[tuple[bool, Change | None], ...] = (
    (True, None),
    (True, Change.SAME),
    (False, None),
    (True, Change.LARGER),
    (False, Change.GONE),
    (True, Change.SMALLER),
    (False, Change.NEW),  # the note saw nothing, and nothing is there
    (True, Change.NEW),
)
PROGRESSIONS = {
    None: Progression.NOT_STATED,
    Change.SAME: Progression.STABLE,
    Change.LARGER: Progression.WORSE,
    Change.SMALLER: Progression.IMPROVED,
    Change.NEW: Progression.NEW,
}
HISTORIES = {
    History.NEW: Progression.NEW,
    History.STABLE: Progression.STABLE,
    History.GROWN: Progression.WORSE,
    History.RESOLVED: Progression.RESOLVED,
}


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a case.

    Attributes:
        expected: what a full report would say; recall is over these.
        evidence: all that bears a drafted claim out; `expected` is among it.
        scope: groups of findings of which the truth is known; claims on others are not judged.
    """

    expected: tuple[Claim, ...]
    evidence: tuple[Claim, ...]
    scope: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReportTrial:
    """A case to draft, and the truth beside it."""

    trial: Trial
    truth: Truth


def inserted_reports(folder: Path, *, n: int, seed: int) -> Iterator[ReportTrial]:
    """At most n unseen "No Finding" radiographs, by turns with and without an inserted lesion and a note."""
    for index, scene in enumerate(real_scenes(folder, seed=seed, most=n)):
        shown, change = TURNS[index % len(TURNS)]
        yield _inserted(scene, change, np.random.default_rng([seed, index, 4]), shown=shown)


def labelled_reports(folder: Path, *, n: int, seed: int) -> Iterator[ReportTrial]:
    """At most n unseen images with text-mined labels, drawn by seed when there are more."""
    rows = [row for row in unseen(folder) if row.labels]
    kept = sorted(np.random.default_rng(seed).permutation(len(rows))[:n])
    for index in kept:
        trial = trial_of(rows[index], rows[index].pixels(), f"labelled-{index:05d}", ())
        yield ReportTrial(trial, _labelled(rows[index]))


def simulated_reports(*, n: int, seed: int) -> Iterator[ReportTrial]:
    """The n simulated cases of a seed."""
    for index in range(n):
        simulated = simulated_case(seed=case_seed(seed, index))
        yield ReportTrial(simulated_trial(simulated, f"simulated-{index:05d}"), _simulated(simulated))


def _inserted(scene: Scene, change: Change | None, random: np.random.Generator, *, shown: bool) -> ReportTrial:
    lesion = scene.here.lesion
    remark = remark_on(lesion.box, size_mm=size_mm(lesion))
    pixels = scene.here.pixels if shown else scene.without
    case = trial_case(
        scene.scene_id,
        image_of(pixels, view=scene.view_position, simulated=scene.ground is Ground.SIMULATED),
        notes=scene.notes if change is None else _noted(scene, remark, change, random),
    )
    trial = Trial(case, pixels, scene.patient or scene.scene_id, (lesion,) if shown else ())
    return ReportTrial(trial, _truth_of(remark, lesion, change, shown=shown))


def _noted(scene: Scene, remark: Remark, change: Change, random: np.random.Generator) -> tuple[PriorNote, ...]:
    """The truthful note on a lesion that was there before, or on clear lungs."""
    if change is Change.NEW:
        return with_note(note_of((), random), scene.notes)
    growth = random.uniform(*THEN[change.value]) if change.value in THEN else 1.0
    return with_note(note_of([replace(remark, size_mm=remark.size_mm * growth)], random), scene.notes)


def _truth_of(remark: Remark, lesion: Lesion, change: Change | None, *, shown: bool) -> Truth:
    scope = _groups(NARROW)
    side = Laterality(remark.side)
    if shown:
        now = remark_on(lesion.box, size_mm=size_mm(lesion))
        there = Claim(Finding(now.kind), Polarity.PRESENT, side, PROGRESSIONS[change], boxes=(lesion.box,))
        elsewhere = Claim(Finding.NODULE, Polarity.ABSENT, Laterality(remark.other_side.side))
        return Truth((there,), (there, elsewhere), scope)
    if change is Change.GONE:
        gone = Claim(Finding(remark.kind), Polarity.ABSENT, side, Progression.RESOLVED)
        return Truth((gone,), (gone, NO_LESION), scope)
    return Truth((NO_LESION,), (NO_LESION,), scope)


def _labelled(row: ManifestRow) -> Truth:
    """Labels know which findings are there, not where or since when; readers' boxes know where."""
    there = labelled_findings(row) or frozenset()
    drawn = {finding: tuple(b.box for b in row.boxes if finding_of(b.label) is finding) for finding in there}
    present = tuple(
        Claim(finding, Polarity.PRESENT, None, None, boxes=drawn[finding]) for finding in sorted(there & MINED)
    )
    absent = tuple(Claim(finding, Polarity.ABSENT, None, None) for finding in sorted(MINED - there))
    narrow = () if there & NARROW else (replace(NO_LESION, progression=None),)
    return Truth((*present, *narrow), (*present, *absent), _groups(MINED))


def _simulated(simulated: SimulatedCase) -> Truth:
    """The story's truth; change only where a note was given, which may be wrong about it."""
    noted = bool(simulated.notes)
    stories = [history for history in simulated.truth.histories if history is not History.RESOLVED]
    present = tuple(
        _phantom(lesion, HISTORIES[history] if noted else Progression.NOT_STATED)
        for lesion, history in zip(simulated.truth.lesions, stories, strict=True)
    )
    if present:
        sides = {lesion.side for lesion in simulated.truth.lesions}
        free = tuple(
            Claim(Finding.NODULE, Polarity.ABSENT, side, None)
            for side in (Laterality.LEFT, Laterality.RIGHT)
            if side not in sides
        )
        return Truth(present, (*present, *free), _groups(NARROW))
    none = replace(NO_LESION, progression=None)
    return Truth((none,), (none,), _groups(NARROW))


def _phantom(lesion: PhantomLesion, progression: Progression) -> Claim:
    return Claim(Finding(lesion.kind.value), Polarity.PRESENT, lesion.side, progression, boxes=(lesion.box,))


def _groups(findings: frozenset[Finding]) -> frozenset[str]:
    return frozenset(vocabulary()[finding].group for finding in findings)
