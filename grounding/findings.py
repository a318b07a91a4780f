"""The closed vocabulary of findings, and the words by which reports name them.

The words stand in `data/findings.json`, written for this project after the way radlabels groups the aliases of chest
findings; nothing there is copied. `groundable` says whether such a finding can be shown by a box on a frontal
radiograph; `group` says which findings reports call by each other's names (a mass was a nodule before it grew).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType

from grounding.data import objects


class Finding(StrEnum):
    """What a sentence can be about. The value is the code that drafts and reviews store."""

    NODULE = "nodule"
    MASS = "mass"
    OPACITY = "opacity"
    CONSOLIDATION = "consolidation"
    INFILTRATION = "infiltration"
    PNEUMONIA = "pneumonia"
    ATELECTASIS = "atelectasis"
    EFFUSION = "effusion"
    PNEUMOTHORAX = "pneumothorax"
    PLEURAL_THICKENING = "pleural_thickening"
    CARDIOMEGALY = "cardiomegaly"
    EDEMA = "edema"
    INTERSTITIAL = "interstitial"
    FIBROSIS = "fibrosis"
    SCAR = "scar"
    EMPHYSEMA = "emphysema"
    BRONCHIECTASIS = "bronchiectasis"
    CAVITY = "cavity"
    CALCIFICATION = "calcification"
    GRANULOMA = "granuloma"
    LYMPHADENOPATHY = "lymphadenopathy"
    MEDIASTINAL_WIDENING = "mediastinal_widening"
    PNEUMOMEDIASTINUM = "pneumomediastinum"
    HERNIA = "hernia"
    ELEVATED_DIAPHRAGM = "elevated_diaphragm"
    PNEUMOPERITONEUM = "pneumoperitoneum"
    FRACTURE = "fracture"
    BONE_LESION = "bone_lesion"
    SCOLIOSIS = "scoliosis"
    DEVICE = "device"
    MALIGNANCY = "malignancy"
    TUBERCULOSIS = "tuberculosis"
    COPD = "copd"
    HEART_FAILURE = "heart_failure"
    SMOKING = "smoking"
    SURGERY = "surgery"
    NO_FINDING = "no_finding"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the vocabulary knows of a finding.

    Attributes:
        groundable: whether a box on the frontal image can show it.
        group: findings of one group may stand for each other between two reports.
        aliases: as reports word it, singular and plural, lower case.
    """

    groundable: bool
    group: str
    aliases: tuple[str, ...]


@cache
def vocabulary() -> Mapping[Finding, Entry]:
    """One entry for each finding.

    Raises:
        ValueError: the data file leaves out a finding, or names one that the vocabulary has not.
    """
    rows = objects("findings.json")
    if set(rows) != {finding.value for finding in Finding}:
        msg = f"findings.json and Finding differ in {sorted(set(rows) ^ {f.value for f in Finding})}: write both"
        raise ValueError(msg)
    return MappingProxyType(
        {
            Finding(code): Entry(
                groundable=bool(row["groundable"]),
                group=str(row["group"]),
                aliases=tuple(dict.fromkeys(form for alias in row["aliases"] for form in (alias, plural(alias)))),
            )
            for code, row in rows.items()
        }
    )


def plural(alias: str) -> str:
    """The alias with its last word in the plural, by the regular rules of English.

    >>> plural("lung mass"), plural("air space opacity"), plural("nodule")
    ('lung masses', 'air space opacities', 'nodules')
    """
    if alias.endswith("y") and alias[-2] not in "aeiou":
        return alias[:-1] + "ies"
    if alias.endswith("sis"):
        return alias[:-2] + "es"
    return alias + ("es" if alias.endswith(("s", "x", "ch", "sh")) else "s")


def related(one: Finding, other: Finding) -> bool:
    """Whether a report may call the same thing by either name.

    >>> related(Finding.NODULE, Finding.MASS), related(Finding.NODULE, Finding.EFFUSION)
    (True, False)
    """
    return vocabulary()[one].group == vocabulary()[other].group
