"""Are the drafted words right? Precision, recall and F1 of a report's claims against what is true of the case.

Each drafted claim within scope is right when the truth bears it out, each true claim is found when the draft bears it
out (`evals.claim`, a surrogate of RadFact's logical entailment without a language model). A change counts only where
the claim itself is right. Boxes are judged by RadFact's spatial rule (`evals.spatial`). A failed draft claims nothing
and so finds nothing. Figures on inserted lesions, labels and simulated cases are not figures on radiologists' reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from cases.draft import Draft, ModelIdentity
from evals.claim import RULE, Claim, bearing_out, claims_of, sentence_of
from evals.faults import Faults, draft_faults
from evals.rate import Figure
from evals.report_figures import Item, Scored, score, share
from evals.report_trials import ReportTrial, Truth
from evals.spatial import spatially_entailed
from evals.trial import Drafter
from grounding.codecs.radfact import radfact_phrases
from grounding.findings import Finding, vocabulary
from grounding.report import GroundedReport, Laterality, Polarity, Progression, Section

SPATIAL_RULE = "RadFact: more than half of the box area lies inside the union of the evidence's boxes; exact geometry"
CURRENT = (Section.FINDINGS, Section.IMPRESSION)  # sections that are expected to say what the image shows
CHANGES = (
    Progression.NEW,
    Progression.WORSE,
    Progression.STABLE,
    Progression.IMPROVED,
    Progression.RESOLVED,
)


@dataclass(frozen=True, slots=True)
class Judged:
    """One case after drafting.

    Attributes:
        drafted: the judged claims of the draft. true: what a full report would say, each found or not.
        true_in: the same, found or not within one section alone; empty for a section that the draft has not.
        uncertain, out_of_scope: drafted claims that are not judged.
    """

    patient: str
    drafted: tuple[Item, ...]
    true: tuple[Item, ...]
    true_in: Mapping[Section, tuple[Item, ...]]
    uncertain: int
    out_of_scope: int


@dataclass(frozen=True, slots=True)
class ReportResult:
    """All of one run.

    Attributes:
        source: where the truth comes from.
        examples: the cases in RadFact's JSON shape.
    """

    source: str
    judged: tuple[Judged, ...]
    faults: Faults
    seed: int
    model: ModelIdentity | None
    examples: tuple[dict[str, object], ...]

    def figures(self, keep: Callable[[Item], bool], right: Callable[[Item], bool]) -> Scored:
        """Precision, recall and F1 over the claims that `keep` keeps."""
        drafted = [[right(item) for item in one.drafted if keep(item)] for one in self.judged]
        true = [[right(item) for item in one.true if keep(item)] for one in self.judged]
        return score(drafted, true, [one.patient for one in self.judged], seed=self.seed)

    def section(self, part: Section) -> Scored:
        """Precision, recall and F1 of one section, as if it were the whole report; over the drafts that have it."""
        drafted = [[item.right for item in one.drafted if item.claim.section is part] for one in self.judged]
        true = [[item.right for item in one.true_in[part]] for one in self.judged]
        return score(drafted, true, [one.patient for one in self.judged], seed=self.seed)

    def spatial(self, *, logically_right: bool) -> dict[str, object]:
        """RadFact's grounding (of right claims with boxes) or spatial (of all with boxes) precision and recall."""

        def of(items: Sequence[Sequence[Item]]) -> Figure:
            boxed = [[i.spatial for i in one if i.boxed and (i.right or not logically_right)] for one in items]
            return share(boxed, [one.patient for one in self.judged], seed=self.seed)

        precision, recall = of([one.drafted for one in self.judged]), of([one.true for one in self.judged])
        return {"precision": precision.as_dict(), "recall": recall.as_dict()}

    def as_dict(self) -> dict[str, object]:
        """The shape of `overread eval report --json`."""
        return {
            "n_images": len(self.judged),
            "n_claims_drafted": sum(len(one.drafted) for one in self.judged),
            "n_claims_true": sum(len(one.true) for one in self.judged),
            "n_uncertain": sum(one.uncertain for one in self.judged),
            "n_out_of_scope": sum(one.out_of_scope for one in self.judged),
            "seed": self.seed,
            "model": None if self.model is None else asdict(self.model),
            "truth": self.source,
            "overall": self.figures(lambda _: True, _right).as_dict(),
            **self._by(),
            "grounding": self.spatial(logically_right=True),
            "spatial": self.spatial(logically_right=False),
            "spatial_rule": SPATIAL_RULE,
            "faults": self.faults.as_dict(),
            "method": RULE,
            "intervals": "95 %, bootstrap of whole patients (Wilson over patients where all or none were right)",
        }

    def _by(self) -> dict[str, object]:
        findings = sorted({item.claim.finding for one in self.judged for item in (*one.drafted, *one.true)})
        groups = sorted({vocabulary()[finding].group for finding in findings})
        return {
            "by_finding": {group: self.figures(_about(group), _right).as_dict() for group in groups},
            "by_section": {part.value: self.section(part).as_dict() for part in Section},
            "by_polarity": {
                said.value: self.figures(_of_polarity(said), _right).as_dict()
                for said in (Polarity.PRESENT, Polarity.ABSENT)
            },
            "by_laterality": {
                side.value: self.figures(_on(side), _right).as_dict()
                for side in (Laterality.LEFT, Laterality.RIGHT, Laterality.BILATERAL)
            },
            "by_progression": {
                change.value: self.figures(_changed(change), _same_change).as_dict() for change in CHANGES
            },
        }


def run(trials: Iterable[ReportTrial], *, draft: Drafter, seed: int, source: str) -> ReportResult:
    """Draft every trial and hold the claims against the truth.

    Args:
        trials: taken one at a time.
        draft: the product's own path.
        seed: that the trials were made with; also of the bootstrap.
        source: where the truth comes from, in words, for the record.
    """
    drafts: list[Draft] = []
    judged: list[Judged] = []
    examples: list[dict[str, object]] = []
    for index, one in enumerate(trials):
        drafted = draft(one.trial.case, pixels=one.trial.pixels)
        drafts.append(drafted)
        judged.append(judge(drafted.report, one.truth, patient=one.trial.patient))
        examples.append(_example(drafted, one.truth, index))
    model = drafts[0].model if drafts else None
    return ReportResult(source, tuple(judged), draft_faults(drafts), seed, model, tuple(examples))


def judge(report: GroundedReport | None, truth: Truth, *, patient: str) -> Judged:
    """One report against the truth; None is a failed draft, which claims nothing."""
    said = () if report is None else claims_of(report)
    scoped = [claim for claim in said if _in_scope(claim, truth)]
    sure = tuple(claim for claim in scoped if claim.polarity is not Polarity.UNCERTAIN)
    return Judged(
        patient,
        tuple(_item(claim, truth.evidence) for claim in sure),
        tuple(_item(claim, sure) for claim in truth.expected),
        {part: _true_in(part, report, sure, truth) for part in Section},
        uncertain=len(scoped) - len(sure),
        out_of_scope=len(said) - len(scoped),
    )


def _true_in(part: Section, report: GroundedReport | None, sure: Sequence[Claim], truth: Truth) -> tuple[Item, ...]:
    """The expected claims against one section: a report without findings has missed them, one may lack the others."""
    written = report is not None and any(sentence.section is part for sentence in report.sentences)
    if part not in CURRENT or not (written or part is Section.FINDINGS):
        return ()
    said = [claim for claim in sure if claim.section is part]
    return tuple(_item(claim, said) for claim in truth.expected)


def _in_scope(claim: Claim, truth: Truth) -> bool:
    return claim.finding is Finding.NO_FINDING or vocabulary()[claim.finding].group in truth.scope


def _item(claim: Claim, evidence: Sequence[Claim]) -> Item:
    support = bearing_out(claim, evidence)
    boxes = tuple(box for one in support for box in one.boxes)
    changes = {one.progression for one in support}
    return Item(
        claim,
        right=bool(support),
        same_change=claim.progression in changes,
        change_known=claim.progression is not None and (not support or None not in changes),
        boxed=bool(claim.boxes),
        spatial=bool(claim.boxes) and spatially_entailed(claim.boxes, boxes),
    )


def _example(draft: Draft, truth: Truth, index: int) -> dict[str, object]:
    """RadFact's example; a failed draft predicts nothing, so that it counts."""
    target = GroundedReport(tuple(map(sentence_of, truth.expected)))
    predicted = [] if draft.report is None else radfact_phrases(draft.report)
    return {"prediction": predicted, "target": radfact_phrases(target), "example_id": index}


def _right(item: Item) -> bool:
    return item.right


def _same_change(item: Item) -> bool:
    return item.right and item.same_change


def _about(group: str) -> Callable[[Item], bool]:
    return lambda item: vocabulary()[item.claim.finding].group == group


def _of_polarity(polarity: Polarity) -> Callable[[Item], bool]:
    return lambda item: item.claim.polarity is polarity


def _on(side: Laterality) -> Callable[[Item], bool]:
    return lambda item: item.claim.polarity is Polarity.PRESENT and item.claim.laterality is side


def _changed(change: Progression) -> Callable[[Item], bool]:
    return lambda item: item.claim.progression is change and item.change_known
