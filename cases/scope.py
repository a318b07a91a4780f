"""The scope gate: only frontal chest radiographs of adults are drafted; everything else abstains, with its reason.

Reads the header alone, before a pixel is decoded. Values come from DICOM PS3.3: Modality C.7.3.1.1.1, ViewPosition
C.8.1.2 and C.8.11.5, PatientOrientation C.7.6.1.1.1, PresentationIntentType C.8.11.1. Reasons quote closed vocabularies
only: a value that is none of them could be anything, a name too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

ADULT_YEARS = 18
FRONTAL = frozenset({"PA", "AP"})
_RADIOGRAPHS = frozenset({"CR", "DX"})
_MODALITIES = {
    "CT": "a CT",
    "MR": "an MR",
    "US": "an ultrasound image",
    "MG": "a mammogram",
    "NM": "a nuclear medicine image",
    "PT": "a PET image",
    "XA": "an angiogram",
    "RF": "a fluoroscopy image",
    "OT": "an image of another kind (OT)",
    "SEG": "a segmentation",
    "SR": "a structured report",
}
_SIDE_VIEWS = frozenset({"LL", "RL", "LATERAL", "LAT", "LLD", "RLD", "LLO", "RLO", "LAO", "RAO", "LPO", "RPO"})
_SIDE_WORDS = re.compile(r"(?<![a-z])(lat|lateral|seitlich|profil|oblique|decubitus)(?![a-z])", re.IGNORECASE)
_CHEST_WORDS = ("CHEST", "THORAX", "LUNG")
_KNOWN_PARTS = frozenset(
    {
        *("ABDOMEN", "ANKLE", "ARM", "BREAST", "CLAVICLE", "CSPINE", "ELBOW", "EXTREMITY", "FEMUR", "FOOT", "HAND"),
        *("HEAD", "HIP", "HUMERUS", "KNEE", "LEG", "LSPINE", "NECK", "PELVIS", "SHOULDER", "SKULL", "SPINE", "TSPINE"),
        *("WHOLEBODY", "WRIST"),
    }
)
_DESCRIPTIONS = ("SeriesDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription")


@dataclass(frozen=True, slots=True)
class Scope:
    """Whether an image may be drafted.

    Attributes:
        abstention: why not, None when it may.
        warnings: what the header left open, in words.
    """

    abstention: str | None
    warnings: tuple[str, ...] = ()


def scope_of(header: Dataset, *, age_years: int | None) -> Scope:
    """Judge a header.

    Args:
        header: of one image.
        age_years: the lowest age that header or case file give, None where neither does.
    """
    abstention = _modality(header) or _body_part(header) or _view(header) or _age(age_years) or _intent(header)
    return Scope(abstention, () if abstention else _left_open(header, age_years))


def view_position(header: Dataset) -> str | None:
    """PA or AP as stated, None where the header says nothing or something else."""
    stated = _code(header, "ViewPosition")
    return stated if stated in FRONTAL else None


def _modality(header: Dataset) -> str | None:
    stated = _code(header, "Modality")
    if stated in _RADIOGRAPHS:
        return None
    what = _MODALITIES.get(stated, "not a radiograph, by its modality")
    return f"out of scope: this is {what}; only chest radiographs (CR, DX) are drafted"


def _body_part(header: Dataset) -> str | None:
    stated = _stated_part(header)
    if not stated or any(word in stated for word in _CHEST_WORDS):
        return None
    what = f"the {stated.lower()}" if stated in _KNOWN_PARTS else "a body part other than the chest"
    return f"out of scope: the header says {what}; only chest radiographs are drafted"


def _stated_part(header: Dataset) -> str:
    """BodyPartExamined, else the meaning of the coded region that DX images carry."""
    stated = _code(header, "BodyPartExamined")
    regions = header.get("AnatomicRegionSequence")
    return stated if stated or not regions else str(regions[0].get("CodeMeaning") or "").strip().upper()


def _view(header: Dataset) -> str | None:
    stated = _code(header, "ViewPosition")
    if stated in FRONTAL:
        return None
    if stated:
        what = "a lateral or oblique view" if stated in _SIDE_VIEWS else "neither PA nor AP"
    elif _rows_run_front_to_back(header) or _SIDE_WORDS.search(_descriptions(header)):
        what = "a lateral or oblique view"
    else:
        return None
    return f"out of scope: the header says {what}; only frontal views (PA, AP) are drafted"


def _rows_run_front_to_back(header: Dataset) -> bool:
    return _rows_run_to(header) in ("A", "P")


def _rows_run_to(header: Dataset) -> str:
    orientation = header.get("PatientOrientation")
    return str(orientation[0])[:1].upper() if orientation else ""


def _descriptions(header: Dataset) -> str:
    return " ".join(str(header.get(keyword) or "") for keyword in _DESCRIPTIONS)


def _age(age_years: int | None) -> str | None:
    if age_years is None or age_years >= ADULT_YEARS:
        return None
    return f"out of scope: the patient is a child (under {ADULT_YEARS} years); only adults are drafted"


def _intent(header: Dataset) -> str | None:
    if _code(header, "PresentationIntentType") != "FOR PROCESSING":
        return None
    return "out of scope: raw detector data (FOR PROCESSING); send the image that is meant for presentation"


def _left_open(header: Dataset, age_years: int | None) -> tuple[str, ...]:
    checks = (
        (not _code(header, "ViewPosition"), "the header does not say that the view is frontal: taken as frontal"),
        (not _stated_part(header), "the header does not say the body part: taken as the chest"),
        (age_years is None, "the age is not stated: taken as an adult"),
        (
            _rows_run_to(header) == "R",
            "the header says that rows run to the patient's right, mirrored against the usual display: check the sides",
        ),
    )
    return tuple(words for true, words in checks if true)


def _code(header: Dataset, keyword: str) -> str:
    return str(header.get(keyword) or "").strip().upper()
