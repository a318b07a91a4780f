"""Simulated cases as files: a DX image for presentation, dated notes, `case.json`; the truth in a place of its own.

Source: DICOM PS3.3 A.26 (DX IOD), C.8.11 (DX modules), PS3.10 (file format). Names, dates and numbers in the header are
made up, clearly so, and there on purpose: de-identification has to find something. Uncompressed, 12 bits.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from cases.phantom.frame import SIDE_MM
from cases.phantom.lesions import Lesion
from cases.phantom.simulated import SimulatedCase

BITS = 12
UID_ROOT = "2.25."  # ITU-T X.667: UIDs from 128-bit numbers, without registration
INVERTED_EVERY = 4  # one case in four is stored as MONOCHROME1


def write_case(case: SimulatedCase, folder: Path) -> Path:
    """Write the case into a new folder under `folder`; returns that folder.

    Raises:
        FileExistsError: the case's folder is there already.
    """
    home = folder / f"case-{case.number:06d}"
    home.mkdir(parents=True)
    dataset(case).save_as(home / "image.dcm", enforce_file_format=True)
    for index, note in enumerate(case.notes):
        twin = any(other.written == note.written and other.kind == note.kind for other in case.notes[:index])
        suffix = f"-{index}" if twin else ""
        (home / f"{note.written.isoformat()}_{note.kind}{suffix}.txt").write_text(note.text, encoding="utf-8")
    (home / "case.json").write_text(json.dumps(_facts(case), indent=2) + "\n", encoding="utf-8")
    return home


def write_truth(cases: dict[str, SimulatedCase], folder: Path) -> Path:
    """Write `truth.json` (case folder name to lesions) into `folder`; keep that folder away from what is imported."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "truth.json"
    path.write_text(json.dumps({name: _truth(case) for name, case in cases.items()}, indent=2) + "\n", encoding="utf-8")
    return path


def stored_values(case: SimulatedCase) -> NDArray[np.uint16]:
    """The stored 12-bit values, inverted where the file says MONOCHROME1."""
    highest = 2**BITS - 1
    shown = np.clip(case.pixels, 0, 1)
    stored = 1 - shown if _inverted(case) else shown
    values: NDArray[np.uint16] = np.round(stored * highest).astype(np.uint16)
    return values


def dataset(case: SimulatedCase) -> Dataset:
    """The DX image, file meta information included."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    image.file_meta.MediaStorageSOPInstanceUID = _uid(case, "instance")
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for add in (_patient, _study, _equipment, _projection, _pixels):
        add(image, case)
    return image


def _inverted(case: SimulatedCase) -> bool:
    return case.number % INVERTED_EVERY == 3


def _uid(case: SimulatedCase, what: str) -> UID:
    digest = hashlib.sha256(f"overread simulated {case.number} {what}".encode()).digest()
    return UID(UID_ROOT + str(int.from_bytes(digest[:16], "big")))


def _patient(image: Dataset, case: SimulatedCase) -> None:
    image.SpecificCharacterSet = "ISO_IR 192"
    image.PatientName = "Simulated^Phantom"
    image.PatientID = f"SIM-{case.number:04d}"
    image.PatientBirthDate = date(case.studied.year - case.age_years, 1, 1).strftime("%Y%m%d")
    image.PatientSex = case.sex
    image.PatientAge = f"{case.age_years:03d}Y"
    image.PatientComments = "Not a person: a simulated radiograph"


def _study(image: Dataset, case: SimulatedCase) -> None:
    day = case.studied.strftime("%Y%m%d")
    image.SOPClassUID = DigitalXRayImageStorageForPresentation
    image.SOPInstanceUID = _uid(case, "instance")
    image.StudyInstanceUID = _uid(case, "study")
    image.SeriesInstanceUID = _uid(case, "series")
    image.StudyID = f"{case.number % 10000:04d}"
    image.AccessionNumber = f"SIM{case.number:08d}"
    image.SeriesNumber, image.InstanceNumber = 1, 1
    for keyword in ("StudyDate", "SeriesDate", "ContentDate", "AcquisitionDate"):
        setattr(image, keyword, day)
    for keyword in ("StudyTime", "SeriesTime", "ContentTime", "AcquisitionTime"):
        setattr(image, keyword, "090000")
    image.ReferringPhysicianName = "Nobody^Referring"
    image.StudyDescription = "SIMULATED chest radiograph"
    image.SeriesDescription = "SIMULATED PA chest, parametric phantom"
    image.Modality = "DX"
    image.PresentationIntentType = "FOR PRESENTATION"
    image.RequestAttributesSequence = Sequence([])


def _equipment(image: Dataset, case: SimulatedCase) -> None:
    image.Manufacturer = "Overread project"
    image.ManufacturerModelName = "Parametric phantom"
    image.InstitutionName = f"Simulated Hospital {case.number % 3 + 1}"
    image.StationName = "SIMSTATION"
    image.DeviceSerialNumber = "SIM-1"
    image.SoftwareVersions = "1"
    image.BurnedInAnnotation = "NO"


def _projection(image: Dataset, case: SimulatedCase) -> None:
    rows, columns = case.pixels.shape
    image.BodyPartExamined = "CHEST"
    image.ViewPosition = "PA"
    image.ImageLaterality = "U"
    image.PatientOrientation = ["L", "F"]
    image.PositionerType = "NONE"
    image.DetectorType = "DIRECT"
    image.KVP = "120"
    image.ImagerPixelSpacing = [f"{SIDE_MM / rows:.6f}", f"{SIDE_MM / columns:.6f}"]
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "816094009", "SCT", "Chest"
    image.AnatomicRegionSequence = Sequence([region])
    view = Dataset()
    view.CodeValue, view.CodingSchemeDesignator, view.CodeMeaning = "272479007", "SCT", "postero-anterior"
    view.ViewModifierCodeSequence = Sequence([])
    image.ViewCodeSequence = Sequence([view])
    image.AcquisitionContextSequence = Sequence([])


def _pixels(image: Dataset, case: SimulatedCase) -> None:
    values = stored_values(case)
    image.ImageType = ["DERIVED", "PRIMARY", ""]
    image.DerivationDescription = "Rendered by a computer from a parametric phantom"
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME1" if _inverted(case) else "MONOCHROME2"
    image.PresentationLUTShape = "INVERSE" if _inverted(case) else "IDENTITY"
    image.Rows, image.Columns = values.shape
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, BITS, BITS - 1, 0
    image.PixelIntensityRelationship, image.PixelIntensityRelationshipSign = "LOG", 1 if _inverted(case) else -1
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = "0", "1", "US"
    image.WindowCenter, image.WindowWidth = "2048", "4096"
    image.LossyImageCompression = "00"
    image.PixelData = values.astype("<u2").tobytes()


def _facts(case: SimulatedCase) -> dict[str, object]:
    """What `case.json` says: nothing about lesions."""
    return {
        "indication": case.indication,
        "age": case.age_years,
        "sex": case.sex,
        "observations": [
            {"name": o.name, "value": o.value, "observed": o.observed.isoformat() if o.observed else None}
            for o in case.observations
        ],
    }


def _truth(case: SimulatedCase) -> dict[str, object]:
    return {
        "lesions": [_lesion(lesion) for lesion in case.truth.lesions],
        "prior": [_lesion(lesion) for lesion in case.truth.prior],
        "resolved": [_lesion(lesion) for lesion in case.truth.resolved],
    }


def _lesion(lesion: Lesion) -> dict[str, object]:
    return {
        "kind": lesion.kind.value,
        "box": lesion.box.as_dict(),
        "diameter_mm": round(lesion.diameter_mm, 1),
        "contrast": round(lesion.contrast, 4),
        "side": lesion.side.value,
        "zone": lesion.zone.value,
        "behind_heart": lesion.behind_heart,
    }
