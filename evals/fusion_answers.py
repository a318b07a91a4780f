"""What is answered about a case from some of its inputs: by the model, by reading its note, or by a late fusion of two.

The model is asked by the product's own path with the other inputs removed. What it states comes from the draft; its
score is the teacher-forced log-odds that it states a nodule or mass (`evals.finding_score`). The note alone is also
read by the project's rules (`grounding.context`), without a model. Late fusion learns two weights by logistic
regression on other patients, with truthful notes, and then meets whatever note there is.

Not here: which answers are compared (`evals.fusion`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cases.draft import Draft, ModelIdentity
from cases.study import Case, InputName
from evals.fusion_cases import FusionCase, Notes
from evals.insertion import SIDE_MM
from evals.trial import Drafter
from grounding.context import read_note
from grounding.findings import Finding
from grounding.measurement import sizes_mm
from grounding.report import GroundedSentence, Laterality, Polarity, Progression

LESIONS = frozenset({Finding.NODULE.value, Finding.MASS.value})
LARGER, SMALLER = 1.45, 0.69  # size now over size in the note, beyond which late fusion says worse or improved
FOLDS = 5
MOST = 20.0  # log-odds: what is surer than that is no surer for a fusion

Scorer = Callable[[Case, NDArray[np.uint16]], float | None]
Inputs = frozenset[InputName]


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer about one case.

    Attributes:
        stated: whether it says that a nodule or mass is there.
        sides: the patient's sides on which it says so.
        change: what it says of the change since the earlier film; RESOLVED for a lesion it says is gone.
        score: the higher, the more a nodule or mass is believed in; None where there is none to give.
        size_mm: of the largest lesion it shows or names, None without one.
        understood: False for a failed draft, which states nothing.
    """

    stated: bool
    sides: frozenset[Laterality] = frozenset()
    change: Progression = Progression.NOT_STATED
    score: float | None = None
    size_mm: float | None = None
    understood: bool = True


@dataclass(slots=True)
class Panel:
    """Asks the model about cases, each question once.

    Args:
        draft: the product's own path.
        score: log-odds that the model states a nodule or mass; None to go without scores.
    """

    draft: Drafter
    score: Scorer | None
    drafts: list[Draft] = field(default_factory=list)
    _known: dict[tuple[str, Inputs, Notes | None], Answered] = field(default_factory=dict)

    @property
    def model(self) -> ModelIdentity | None:
        """Which model answered."""
        return self.drafts[0].model if self.drafts else None

    def asked(self, case: FusionCase, inputs: Inputs, notes: Notes) -> Answered:
        """The model's answer from these inputs."""
        key = (case.trial.case.case_id, inputs, notes if InputName.PRIOR_NOTES in inputs else None)
        if key not in self._known:
            shown, pixels = case.shown(inputs, notes), case.trial.pixels
            drafted = self.draft(shown, pixels=pixels)
            self.drafts.append(drafted)
            score = None if self.score is None else self.score(shown, pixels)
            self._known[key] = replace(drafted_answer(drafted), score=score)
        return self._known[key]


def drafted_answer(draft: Draft) -> Answered:
    """What a draft states about nodules and masses."""
    if draft.report is None:
        return Answered(stated=False, understood=False)
    about = [sentence for sentence in draft.report.sentences if sentence.finding in LESIONS]
    there = [sentence for sentence in about if sentence.polarity is not Polarity.ABSENT]
    changes = [sentence.progression for sentence in there or about]
    stated = [change for change in changes if change not in (Progression.NOT_STATED, Progression.NOT_COMPARABLE)]
    widths = [max(box.width, box.height) * SIDE_MM for sentence in there for box in sentence.boxes]
    return Answered(
        stated=bool(there),
        sides=_sides(there),
        change=stated[0] if stated else Progression.NOT_STATED,
        size_mm=max(widths) if widths else None,
    )


def read_answer(case: FusionCase, inputs: Inputs, notes: Notes) -> Answered:
    """What the note says, read by rule; score 1 where it names a lesion, -1 where it names none, 0 without a note."""
    if InputName.PRIOR_NOTES not in inputs:
        return Answered(stated=False, score=0.0)
    text = case.note(notes).text
    there = [
        mention
        for sentence in read_note(text)
        for mention in sentence.reading.mentions
        if mention.finding.value in LESIONS and mention.polarity is not Polarity.ABSENT and not mention.family
    ]
    return Answered(
        stated=bool(there),
        sides=frozenset(mention.laterality for mention in there) - {Laterality.NOT_STATED},
        score=1.0 if there else -1.0,
        size_mm=max(sizes_mm(text), default=None) if there else None,
    )


def fused(image: Answered, note: Answered, *, log_odds: float | None) -> Answered:
    """One answer from two: stated by the fused odds, placed by the image where it says one, compared by size.

    Args:
        image: of the picture alone.
        note: of the note alone.
        log_odds: of the fusion model; None where there is none, and then nothing is stated.
    """
    stated = log_odds is not None and log_odds > 0
    if not stated:
        gone = note.stated and log_odds is not None
        return Answered(stated=False, change=Progression.RESOLVED if gone else Progression.NOT_STATED, score=log_odds)
    return Answered(
        stated=True,
        sides=image.sides or note.sides,
        change=_change(image, note),
        score=log_odds,
        size_mm=image.size_mm or note.size_mm,
    )


def late_log_odds(
    taught: Sequence[tuple[Answered, Answered]],
    met: Sequence[tuple[Answered, Answered]],
    truth: Sequence[bool],
    *,
    patients: Sequence[str],
) -> list[float | None]:
    """The log-odds that a logistic regression gives each case, taught on the cases of other patients.

    Args:
        taught: of each case, the two answers that the weights are learnt from.
        met: of each case, the two answers that they are then applied to. A missing score is taken as the mean.
        truth: of each case, whether a lesion is there.
        patients: of each case, who it is.

    Returns:
        One for each case; None where a fold has no other patients of both kinds to learn from.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    seen, given, known = _table(taught), _table(met), np.asarray(truth, dtype=bool)
    found: list[float | None] = [None] * len(known)
    groups = len(set(patients))
    if groups < 2:
        return found
    for learn, judge in GroupKFold(min(FOLDS, groups)).split(seen, known, patients):
        if len(set(known[learn])) < 2:
            continue
        means = np.array([_mean(column) for column in seen[learn].T])
        model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0))
        model.fit(np.where(np.isnan(seen[learn]), means, seen[learn]), known[learn])
        odds = model.decision_function(np.where(np.isnan(given[judge]), means, given[judge]))
        for index, value in zip(judge, odds, strict=True):
            found[int(index)] = float(value)
    return found


def _table(answers: Sequence[tuple[Answered, Answered]]) -> NDArray[np.float64]:
    rows = [[np.nan if one.score is None else float(np.clip(one.score, -MOST, MOST)) for one in two] for two in answers]
    return np.array(rows, dtype=np.float64).reshape(len(rows), 2)


def _mean(column: NDArray[np.float64]) -> float:
    known = column[~np.isnan(column)]
    return float(known.mean()) if known.size else 0.0


def _sides(sentences: Sequence[GroundedSentence]) -> frozenset[Laterality]:
    return frozenset(sentence.laterality for sentence in sentences) & {Laterality.LEFT, Laterality.RIGHT}


def _change(image: Answered, note: Answered) -> Progression:
    """New where the note names no lesion; else by the sizes, where both are known; else as before."""
    if not note.stated:
        return Progression.NEW if note.score else Progression.NOT_STATED  # a score of 0: there was no note
    ratio = 1.0 if not image.size_mm or not note.size_mm else image.size_mm / note.size_mm
    if ratio > LARGER:
        return Progression.WORSE
    return Progression.IMPROVED if ratio < SMALLER else Progression.STABLE
