"""Is the confidence worth what it says? Methods fitted on half of the patients and judged on the other half.

The fit half chooses the method and its curves and sets the conformal threshold (`evals.calibration_fit`); the judge
half is looked at once, for the figures. What is written for the product is fitted again on all patients, by the method
that the fit half chose; its calibration error is the one measured on the judge half.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from cases.draft import ModelIdentity
from evals.auc import Ranked
from evals.calibration_cases import RIGHT, Judged
from evals.calibration_fit import (
    CANDIDATES,
    FEWEST,
    FOR_CURVES,
    Candidate,
    Curve,
    Curves,
    candidates,
    chosen,
    fit_curves,
    parted,
    probabilities,
    rule_of,
)
from evals.clustered import clustered_share
from evals.rate import UNMEASURED
from evals.reliability import Said
from grounding.confidence import SIMULATED_ONLY, ConfidenceSet, ConformalRule
from vlm.calibration_file import Calibration, MeasuredEce, Source
from vlm.raw_scores import Method

GUARANTEE = (
    "of a new patient's drafts at most alpha are expected to hold a wrong judged sentence in accept: marginally, for "
    "patients exchangeable with those that set the threshold (conformal risk control, Angelopoulos et al., ICLR 2024)"
)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A method with its curves and its rule."""

    method: Method
    curve: Curve
    curves: Curves
    rule: ConformalRule


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """All of one run.

    Attributes:
        source: where the truth comes from, in words.
        fit, judge: judged sentences of the two halves. drafts: how many cases were drafted, failed ones among them.
        found: every candidate of the fit half.
        fitted: what it chose, None where nothing could be.
    """

    source: str
    model: ModelIdentity | None
    fit: tuple[Judged, ...]
    judge: tuple[Judged, ...]
    drafts: int
    found: tuple[Candidate, ...]
    fitted: Fitted | None
    alpha: float
    seed: int

    def calibration(self, *, made: datetime, source: Source = Source.SIMULATED) -> Calibration | None:
        """The product's calibration, fitted on all patients; None where nothing was chosen, or no curve fitted."""
        if self.fitted is None:
            return None
        whole = (*self.fit, *self.judge)
        fitted = fit(whole, self.fitted.method, self.fitted.curve, alpha=self.alpha, seed=self.seed)
        return self._calibration(fitted, whole, made=made, source=source)

    def halves_calibration(self, *, made: datetime) -> Calibration | None:
        """The fit half's own calibration: for judging more on patients of the judge half."""
        if self.fitted is None:
            return None
        return self._calibration(self.fitted, self.fit, made=made, source=Source.SIMULATED)

    def _calibration(
        self, fitted: Fitted, judged: Sequence[Judged], *, made: datetime, source: Source
    ) -> Calibration | None:
        if self.model is None or not fitted.curves:
            return None
        return Calibration(
            model_id=self.model.model_id,
            revision=self.model.revision,
            quantization=self.model.quantization,
            method=fitted.method,
            curves=tuple(sorted(fitted.curves.items())),
            rule=fitted.rule,
            source=source,
            sentences=len(judged),
            patients=len({one.patient for one in judged}),
            seed=self.seed,
            ece=self.ece,
            made=made,
        )

    @property
    def ece(self) -> MeasuredEce:
        """Of the chosen method on the judge half."""
        said = None if self.fitted is None else said_of(self.judge, self.fitted.curves, method=self.fitted.method)
        figure = UNMEASURED if said is None else said.ece(seed=self.seed)
        return MeasuredEce(figure.value, figure.ci95, figure.n, 0 if said is None else said.bins)

    def as_dict(self) -> dict[str, object]:
        """The shape of `overread eval calibration --json`."""
        return {
            "n_images": self.drafts,
            "n_fit": len(self.fit),
            "n_judge": len(self.judge),
            "patients_fit": len({one.patient for one in self.fit}),
            "patients_judge": len({one.patient for one in self.judge}),
            "seed": self.seed,
            "model": None if self.model is None else asdict(self.model),
            "truth": self.source,
            "right_means": RIGHT,
            "chosen": None if self.fitted is None else {"method": self.fitted.method, "curve": self.fitted.curve},
            "candidates": [asdict(one) for one in self.found],
            "methods": {method.value: self._method(method) for method in CANDIDATES},
            "boxed_only": self._boxed(),
            "conformal": self._conformal(),
            "not_calibrated": self._uncovered(),
            "note": SIMULATED_ONLY,
            "intervals": "95 %, bootstrap of whole patients",
        }

    def _method(self, method: Method) -> dict[str, object]:
        """One method on the judge half, with the better of its curves by the fit half."""
        own = [one for one in self.found if one.method is method and one.brier is not None]
        if not own:
            return {"scored": False}
        best = min(own, key=lambda one: one.brier or 0.0)
        curves = fit_curves(self._curve_part(), method=method, curve=best.curve)
        said = said_of(self.judge, curves, method=method)
        kinds = sorted({one.kind for one in self.judge})
        return {
            "scored": True,
            "curve": best.curve,
            **said.as_dict(seed=self.seed),
            "auc_raw_by_kind": {kind: self._raw_auc(method, kind) for kind in kinds},
            "by_kind": {
                kind: said_of([o for o in self.judge if o.kind == kind], curves, method=method).as_dict(seed=self.seed)
                for kind in kinds
            },
        }

    def _curve_part(self) -> tuple[Judged, ...]:
        return parted(self.fit, FOR_CURVES, seed=self.seed)[0]

    def _raw_auc(self, method: Method, kind: str) -> dict[str, object]:
        own = [(s, o) for o in self.judge if o.kind == kind and (s := o.score(method)) is not None]
        return _auc(own, seed=self.seed)

    def _boxed(self) -> dict[str, object]:
        """Every method, the box score among them, on the sentences of both halves that show a box: raw scores only."""
        boxed = [one for one in (*self.fit, *self.judge) if one.boxed]
        return {
            method.value: _auc([(s, o) for o in boxed if (s := o.score(method)) is not None], seed=self.seed)
            for method in Method
        }

    def _conformal(self) -> dict[str, object] | None:
        """What the fit half's rule does on the judge half."""
        if self.fitted is None:
            return None
        given = probabilities(self.judge, self.fitted.curves, method=self.fitted.method)
        accepted = [self.fitted.rule.needs(p) is ConfidenceSet.ACCEPT for p in given]
        return {**asdict(self.fitted.rule), **conformal_figures(self.judge, accepted, seed=self.seed)}

    def _uncovered(self) -> dict[str, object]:
        """Judged sentences without a probability: their kinds had fewer than `FEWEST` sentences to fit on."""
        curves = {} if self.fitted is None else self.fitted.curves
        without = [one.kind for one in self.judge if one.kind not in curves]
        return {"n": len(without), "of": len(self.judge), "kinds": sorted(set(without)), "fewest": FEWEST}


def run(
    judged: Iterable[tuple[Judged, ...]], *, model: ModelIdentity | None, alpha: float, seed: int, source: str
) -> CalibrationResult:
    """Fit on one half of the patients, and keep both halves for the figures.

    Args:
        judged: of each drafted case, its judged sentences.
        model: that drafted.
        alpha: error level of the conformal rule.
        seed: of the split, the folds and the intervals.
        source: where the truth comes from, in words.
    """
    listed = list(judged)
    every = [one for sentences in listed for one in sentences]
    fit_half = tuple(one for one in every if in_fit_half(one.patient, seed=seed))
    judge_half = tuple(one for one in every if not in_fit_half(one.patient, seed=seed))
    found = candidates(fit_half, seed=seed)
    best = chosen(found)
    fitted = None if best is None else fit(fit_half, best.method, best.curve, alpha=alpha, seed=seed)
    return CalibrationResult(source, model, fit_half, judge_half, len(listed), found, fitted, alpha, seed)


def in_fit_half(patient: str, *, seed: int) -> bool:
    """Whether a patient belongs to the half that fits; from the name and the seed alone."""
    return hashlib.sha256(f"{seed}/{patient}".encode()).digest()[0] % 2 == 0


def fit(judged: Sequence[Judged], method: Method, curve: Curve, *, alpha: float, seed: int) -> Fitted:
    """Curves from one part of the patients, the conformal threshold from the others."""
    for_curves, for_rule = parted(judged, FOR_CURVES, seed=seed)
    curves = fit_curves(for_curves, method=method, curve=curve)
    return Fitted(method, curve, curves, rule_of(for_rule, curves, method=method, alpha=alpha))


def said_of(judged: Sequence[Judged], curves: Curves, *, method: Method) -> Said:
    """The probabilities of those sentences that have one."""
    pairs = zip(judged, probabilities(judged, curves, method=method), strict=True)
    known = [(p, one) for one, p in pairs if p is not None]
    return Said(
        tuple(p for p, _ in known), tuple(one.right for _, one in known), tuple(one.patient for _, one in known)
    )


def conformal_figures(judged: Sequence[Judged], accepted: Sequence[bool], *, seed: int) -> dict[str, object]:
    """The guaranteed share, and what it costs: sentences accepted, wrong ones among them, wrong ones put to review."""
    units = {one.draft: one.patient for one in judged}
    pairs = list(zip(judged, accepted, strict=True))
    missed = {one.draft for one, is_in in pairs if is_in and not one.right}
    inside = [one for one, is_in in pairs if is_in]
    wrong = [(one, is_in) for one, is_in in pairs if not one.right]

    def share(done: list[bool], patients: list[str]) -> dict[str, object]:
        return clustered_share(done, patients, seed=seed).as_dict()

    return {
        "drafts_with_wrong_accepted": share([unit in missed for unit in units], list(units.values())),
        "accepted": share([is_in for _, is_in in pairs], [one.patient for one, _ in pairs]),
        "wrong_among_accepted": share([not one.right for one in inside], [one.patient for one in inside]),
        "wrong_put_to_review": share([not is_in for _, is_in in wrong], [one.patient for one, _ in wrong]),
        "guarantee": GUARANTEE,
    }


def _auc(scored: Sequence[tuple[float, Judged]], *, seed: int) -> dict[str, object]:
    right, patients = tuple(one.right for _, one in scored), tuple(one.patient for _, one in scored)
    return Ranked(right, ("",) * len(scored), patients).area([score for score, _ in scored], seed=seed).as_dict()
