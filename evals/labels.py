"""What a folder's labels say of an image: which findings are there, which are not, and what nobody knows.

Adjudicated labels ("Nodule or mass=YES; ...") go before text-mined ones. Text-mined labels are weak: they were read
from report text by rule, a finding that they leave out is taken as absent, and figures on them say so. Not here: boxes
(`evals.manifest`).
"""

from __future__ import annotations

from enum import StrEnum

from evals.manifest import NO_FINDING, ManifestRow
from grounding.findings import Finding

ADJUDICATED_PAIR = {Finding.NODULE: "Nodule or mass", Finding.MASS: "Nodule or mass"}


class Target(StrEnum):
    """What image-level figures are about."""

    EFFUSION = "effusion"
    NODULE_OR_MASS = "nodule_or_mass"
    ANY_FINDING = "any_finding"


FINDINGS = {
    Target.EFFUSION: frozenset({Finding.EFFUSION}),
    Target.NODULE_OR_MASS: frozenset({Finding.NODULE, Finding.MASS}),
}


def finding_of(label: str) -> Finding | None:
    """The finding that a dataset's label names, None for one outside of the vocabulary.

    >>> finding_of("Pleural_Thickening"), finding_of("Infiltrate"), finding_of("Banana")
    (<Finding.PLEURAL_THICKENING: 'pleural_thickening'>, <Finding.INFILTRATION: 'infiltration'>, None)
    """
    code = label.strip().lower().replace(" ", "_")
    code = {"infiltrate": "infiltration", "pleural_effusion": "effusion"}.get(code, code)
    return Finding(code) if code in set(Finding) - {Finding.NO_FINDING} else None


def labelled_findings(row: ManifestRow) -> frozenset[Finding] | None:
    """The findings that the text-mined labels name, empty for "No Finding"; None where there are no labels."""
    if not row.labels:
        return None
    return frozenset(finding for label in row.labels if (finding := finding_of(label)) is not None)


def is_there(row: ManifestRow, target: Target) -> bool | None:
    """Whether the labels say that the target is there; None where they do not say, or contradict each other."""
    if target is Target.ANY_FINDING:
        return _any(row)
    said = {ADJUDICATED_PAIR.get(finding) for finding in FINDINGS[target]} - {None}
    for name in said:
        if f"{name}=" in row.adjudicated:
            return f"{name}=YES" in row.adjudicated
    found = labelled_findings(row)
    return None if found is None else bool(found & FINDINGS[target])


def _any(row: ManifestRow) -> bool | None:
    if row.normal:
        return False
    named = [label for label in row.labels if label != NO_FINDING]
    if named:
        return True
    return None if row.labels else "=YES" in row.adjudicated or bool(row.boxes) or None
