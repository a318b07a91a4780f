"""Small synthetic radiographs, with identifiers that can be searched for."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from pydicom.config import disable_value_validation
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STUDY_UID = "1.2.826.0.1.3680043.10.999.1.4711"
# Every value that names the patient of `radiograph()`.
SECRETS = ("Zebrowska", "Kazimiera", "MRN-777123", "19600704", "1960-07-04", "ACC-4242", STUDY_UID, "Quackenbush")


def packaged(name: str) -> Path:
    """A file of the package pydicom-data, never downloaded."""
    return Path(get_testdata_file(f"{name}.dcm", download=False))


def radiograph(pixels: np.ndarray | None = None, **elements: object) -> Dataset:
    """A PA chest radiograph of a woman of 59; keywords replace elements, None removes them."""
    with disable_value_validation():  # some values are meant to be wrong
        return _radiograph(pixels, elements)


def _radiograph(pixels: np.ndarray | None, elements: dict[str, object]) -> Dataset:
    if pixels is None:
        pixels = (np.arange(48 * 40, dtype=np.uint16) * 2 % 4096).reshape(48, 40)
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    image.StudyInstanceUID = STUDY_UID
    image.SeriesInstanceUID = f"{STUDY_UID}.1"
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"{STUDY_UID}.1.1"
    image.PatientName, image.PatientID = "Zebrowska^Kazimiera", "MRN-777123"
    image.PatientBirthDate, image.PatientSex = "19600704", "F"
    image.ReferringPhysicianName, image.AccessionNumber = "Quackenbush^Emil", "ACC-4242"
    image.StudyDate, image.StudyTime = "20200310", "081500"
    image.Modality, image.BodyPartExamined, image.ViewPosition = "CR", "CHEST", "PA"
    image.PixelSpacing = [0.2, 0.1]
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows, image.Columns = pixels.shape
    bits = pixels.dtype.itemsize * 8
    image.BitsAllocated, image.BitsStored, image.HighBit = bits, 12 if bits == 16 else 8, 11 if bits == 16 else 7
    image.PixelRepresentation = int(pixels.dtype.kind == "i")
    image.WindowCenter, image.WindowWidth = "2048", "4096"
    image.PixelData = pixels.tobytes()
    for keyword, value in elements.items():
        if value is None:
            del image[keyword]
        else:
            setattr(image, keyword, value)
    return image


def as_bytes(image: Dataset) -> bytes:
    """The file, in memory."""
    file = io.BytesIO()
    with disable_value_validation():
        image.save_as(file, enforce_file_format=True)
    return file.getvalue()


def case_folder(root: Path, files: dict[str, bytes | str]) -> Path:
    """A folder of those files."""
    for name, content in files.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def zip_of(path: Path, files: dict[str, bytes | str]) -> Path:
    """A zip of those files, names as given."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path
