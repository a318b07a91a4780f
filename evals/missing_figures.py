"""The table of `overread eval missing`: one row a subset of inputs, one an input, and the whole.

It measures nothing itself. A rate that says "of drafts" counts drafts with a report; a failed draft counts under
`failed` and claims nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict

from cases.draft import DraftStatus
from cases.study import InputName
from evals.clustered import clustered_share
from evals.longitudinal_figures import mean_of
from evals.missing import MissingRun, Outcome
from evals.missing_cases import SUBSETS, subset_name
from evals.rate import UNMEASURED, Figure
from evals.reliability import Said
from evals.report_figures import score


def as_dict(run: MissingRun) -> dict[str, object]:
    """The shape of `overread eval missing --json`."""
    table = Table(run.seed)
    return {
        "n_images": run.cases,
        "n_drafts": len(run.outcomes),
        "seed": run.seed,
        "model": None if run.model is None else asdict(run.model),
        "ground": run.ground,
        "all": table.row(run.outcomes),
        "by_subset": {
            subset_name(inputs): table.row([one for one in run.outcomes if one.inputs == inputs]) for inputs in SUBSETS
        },
        "by_input": {
            name.value: {
                "with": table.row([one for one in run.outcomes if name in one.inputs]),
                "without": table.row([one for one in run.outcomes if name not in one.inputs]),
            }
            for name in InputName
        },
        "faults": run.faults.as_dict(),
        "lesions": "inserted, conspicuous, 18 to 28 mm, on five of six cases; notes truthful",
        "intervals": "95 %, bootstrap of whole patients (Wilson over patients where all or none were so)",
    }


class Table:
    """Rows of the table, with one seed for every interval."""

    def __init__(self, seed: int) -> None:
        """Keep the seed of the bootstrap."""
        self._seed = seed

    def row(self, outcomes: Sequence[Outcome]) -> dict[str, object]:
        """All figures of some drafts."""
        return {
            "failed": self._share(outcomes, lambda one: one.status is DraftStatus.FAILED),
            "abstained": self._share(outcomes, lambda one: one.status is DraftStatus.ABSTAINED),
            "names_what_is_missing": self._share(outcomes, lambda one: one.named),
            "forbids_change": self._share(outcomes, lambda one: one.forbids_change),
            "changes_claimed_without_prior": _total([one.change_claimed for one in outcomes]),
            "changes_unflagged": _total([one.change_unflagged for one in outcomes]),
            "findings": self._findings(outcomes),
            "confidence": self._confidence(outcomes),
            "triggers": self._triggers(outcomes),
        }

    def _share(self, outcomes: Sequence[Outcome], told: Callable[[Outcome], bool | None]) -> dict[str, object]:
        """The share of drafts of which it is so, among those of which it can be said."""
        pairs = [(value, one.patient) for one in outcomes if (value := told(one)) is not None]
        return clustered_share([v for v, _ in pairs], [p for _, p in pairs], seed=self._seed).as_dict()

    def _findings(self, outcomes: Sequence[Outcome]) -> dict[str, object]:
        return score(
            [[item.right for item in one.judged.drafted] for one in outcomes],
            [[item.right for item in one.judged.true] for one in outcomes],
            [one.patient for one in outcomes],
            seed=self._seed,
        ).as_dict()

    def _confidence(self, outcomes: Sequence[Outcome]) -> dict[str, object] | None:
        """How sure the judged sentences were and how often right; None where no confidence was measured at all."""
        if all(one.sure is None for one in outcomes):
            return None
        judged = [(sure, one.patient) for one in outcomes for sure in one.sure or ()]
        told = [(sure.probability, sure.right, patient) for sure, patient in judged if sure.probability is not None]
        looks = [(sure.review, patient) for sure, patient in judged if sure.review is not None]
        said = Said(tuple(p for p, _, _ in told), tuple(r for _, r, _ in told), tuple(who for *_, who in told))
        return {
            "judged_sentences": len(judged),
            "with_probability": len(told),
            "mean_probability": self._mean(said.probabilities, said.patients).as_dict(),
            "right": said.share_right(seed=self._seed).as_dict(),
            "ece": said.ece(seed=self._seed).as_dict(),
            "needs_a_look": clustered_share([v for v, _ in looks], [p for _, p in looks], seed=self._seed).as_dict(),
        }

    def _triggers(self, outcomes: Sequence[Outcome]) -> dict[str, object] | None:
        """Which rules fired, in how many drafts; None where none were measured."""
        measured = [one for one in outcomes if one.triggers is not None]
        if not measured:
            return None
        fired = Counter(rule for one in measured for rule in one.triggers or ())
        return {
            "drafts": len(measured),
            "asks_second_reader": self._share(measured, lambda one: one.asks),
            "drafts_by_rule": dict(sorted(fired.items())),
        }

    def _mean(self, values: Sequence[float], patients: Sequence[str]) -> Figure:
        return mean_of(values, patients, seed=self._seed) if values else UNMEASURED


def _total(counts: Sequence[int | None]) -> int | None:
    """The sum of what was counted; None where nothing was."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
