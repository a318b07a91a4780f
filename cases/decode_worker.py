"""The process that opens untrusted DICOM: it parses, decodes and renders, and is thrown away when it misbehaves.

Started by `cases.decode`, never imported by it. Speaks over its standard streams in frames (eight bytes of length, then
the bytes), in JSON and raw samples only: nothing it says can run code in the parent. It holds no key and opens no file.
"""

from __future__ import annotations

import io
import json
import logging
import os
import resource
import sys
import warnings
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pydicom
from pydicom._uid_dict import UID_dictionary
from pydicom.filereader import read_dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from cases.dicom import render
from cases.faults import (
    CaseError,
    DamagedPixelsError,
    MemoryLimitError,
    NoPixelsError,
    NotDicomError,
    PixelFormatError,
    TooLargeError,
    TransferSyntaxError,
    TruncatedError,
    UnreadableError,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

MAX_PIXELS = 48_000_000  # the largest flat detectors have about 20 million
MAX_HEADER_BYTES = 4_000_000
_FIRST_BULK_GROUP = 0x5000  # curves, overlays, pixels
_BULK = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})

# One decoder for each transfer syntax: a chain of fall-backs is a larger target. Pillow bundles the newest OpenJPEG.
DECODERS = {
    "1.2.840.10008.1.2": "",  # implicit VR, little endian
    "1.2.840.10008.1.2.1": "",  # explicit VR, little endian
    "1.2.840.10008.1.2.2": "",  # explicit VR, big endian
    "1.2.840.10008.1.2.5": "pylibjpeg",  # RLE
    "1.2.840.10008.1.2.4.50": "pillow",  # JPEG baseline, lossy
    "1.2.840.10008.1.2.4.51": "gdcm",  # JPEG extended, lossy
    "1.2.840.10008.1.2.4.57": "gdcm",  # JPEG lossless
    "1.2.840.10008.1.2.4.70": "gdcm",  # JPEG lossless, first-order prediction
    "1.2.840.10008.1.2.4.80": "pyjpegls",  # JPEG-LS lossless
    "1.2.840.10008.1.2.4.81": "pyjpegls",  # JPEG-LS near-lossless
    "1.2.840.10008.1.2.4.90": "pillow",  # JPEG 2000 lossless
    "1.2.840.10008.1.2.4.91": "pillow",  # JPEG 2000
}
_END_OF_IMAGE = b"\xff\xd9"  # JPEG (T.81), JPEG-LS (T.87) and JPEG 2000 (T.800) code streams all end with it


def main() -> None:
    """Answer frames until the parent closes the pipe."""
    requests, answers = _own_streams()
    memory_bytes, processor_seconds = (int(argument) for argument in sys.argv[1:3])
    _limit_memory(memory_bytes)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    header: Dataset | None = None
    write_frame(answers, b"")  # ready: the codecs are loaded
    while (frame := read_frame(requests)) is not None:
        _limit_processor(processor_seconds)
        header = _answer(frame, header, answers)


def _own_streams() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes for ourselves; whatever a codec prints goes nowhere."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    return requests, answers


def _limit_memory(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_processor(seconds: int) -> None:
    """From now on, so much more processor time; whoever wants more is killed (SIGXCPU)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _answer(frame: bytes, header: Dataset | None, answers: BinaryIO) -> Dataset | None:
    """One request: a file's bytes (answered by its header), or nothing (answered by the last file's pixels)."""
    try:
        if frame:
            header = parse(frame)
            write_frame(answers, json.dumps({"header": header_json(header)}).encode())
        else:
            _send_pixels(header, answers)
    except CaseError as fault:
        _send_fault(answers, fault)
    except MemoryError:
        _send_fault(answers, MemoryLimitError("reading it wants more memory than the limit"))
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except BaseException as error:  # noqa: BLE001  a codec in Rust panics with a BaseException of its own
        _send_fault(answers, UnreadableError(f"the parser gave up ({type(error).__name__})"))
    return header


def _send_fault(answers: BinaryIO, fault: CaseError) -> None:
    write_frame(answers, json.dumps({"fault": {"rule": fault.rule, "found": fault.found}}).encode())


def _send_pixels(header: Dataset | None, answers: BinaryIO) -> None:
    if header is None:
        msg = "no file was read before its pixels were asked for"
        raise NoPixelsError(msg)
    rendering = render(decode(header), header)
    rows, columns = rendering.pixels.shape
    write_frame(answers, json.dumps({"rows": rows, "columns": columns, "warnings": rendering.warnings}).encode())
    write_frame(answers, rendering.pixels.astype("<u2", copy=False).tobytes())


def parse(data: bytes) -> Dataset:
    """A file's data set, once its form says that it can be read at all.

    Raises:
        CaseError: what is wrong with it.
    """
    _refuse_syntax(data)
    header = pydicom.dcmread(io.BytesIO(data))
    _refuse_shape(header)
    return header


def _refuse_syntax(data: bytes) -> None:
    """Look at the file meta information alone, before anything is inflated or allocated."""
    if data[128:132] != b"DICM":
        msg = "the file does not carry the DICOM mark (DICM at byte 128)"
        raise NotDicomError(msg)
    meta = read_dataset(
        io.BytesIO(data[132:]),
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, _vr, _size: tag.group != 2,
    )
    syntax = meta.get("TransferSyntaxUID")
    if syntax is None:
        msg = "the file ends, or breaks, before it says its transfer syntax"
        raise TruncatedError(msg)
    if str(syntax) not in DECODERS:
        known = UID(str(syntax)).name if str(syntax) in UID_dictionary else "an unknown one"
        msg = f"the transfer syntax is {known}"
        raise TransferSyntaxError(msg)


def _refuse_shape(header: Dataset) -> None:
    """Rows, columns, frames, samples and bits, before any pixel is decoded."""
    rows, columns = header.get("Rows"), header.get("Columns")
    if not isinstance(rows, int) or not isinstance(columns, int):
        msg = "the file has no Rows or no Columns"
        raise NoPixelsError(msg)
    if min(rows, columns) < 1:
        msg = f"the image has {rows} rows and {columns} columns"
        raise NoPixelsError(msg)
    if rows * columns > MAX_PIXELS:
        msg = f"the image claims {rows} x {columns} pixels, more than {MAX_PIXELS:,}"
        raise TooLargeError(msg)
    if "PixelData" not in header:
        msg = "the file ends before its pixel data"
        raise TruncatedError(msg)


def header_json(header: Dataset) -> dict[str, object]:
    """The header without pixels, private and bulk elements, in the DICOM JSON model (PS3.18 F)."""
    text: dict[str, object] = _slim(header).to_json_dict(suppress_invalid_tags=True)
    if len(json.dumps(text)) > MAX_HEADER_BYTES:
        msg = f"the header has more than {MAX_HEADER_BYTES:,} bytes of text"
        raise TooLargeError(msg)
    return text


def _slim(header: Dataset) -> Dataset:
    """A copy without private, bulk, curve, overlay and pixel elements, at every depth."""
    slim = pydicom.Dataset()
    for element in header:
        if element.tag.is_private or element.VR in _BULK or element.tag.group >= _FIRST_BULK_GROUP:
            continue
        if element.VR == "SQ":
            slim.add_new(element.tag, "SQ", [_slim(item) for item in element.value])
        else:
            slim.add(element)
    return slim


def decode(header: Dataset) -> NDArray[np.integer]:
    """The stored values of a single grey frame, (rows, columns).

    Raises:
        CaseError: colour, several frames, other depths, or a stream that is short or damaged.
    """
    _refuse_format(header)
    syntax = UID(str(header.file_meta.TransferSyntaxUID))
    _refuse_short(header, compressed=syntax.is_compressed)
    try:
        pixels, _ = get_decoder(syntax).as_array(header, raw=True, decoding_plugin=DECODERS[str(syntax)])
    except MemoryError:
        raise
    except BaseException as error:  # a codec in Rust panics with a BaseException of its own
        msg = f"the decoder refuses the pixel data ({type(error).__name__})"
        raise DamagedPixelsError(msg) from error
    if pixels.shape != (header.Rows, header.Columns):
        msg = f"the pixel data holds {pixels.shape}, the header says {header.Rows} x {header.Columns}"
        raise DamagedPixelsError(msg)
    return pixels


def _refuse_format(header: Dataset) -> None:
    frames, samples = header.get("NumberOfFrames") or 1, header.get("SamplesPerPixel")
    if frames != 1 or samples != 1:
        msg = f"{frames} frames, {samples} samples a pixel"
        raise PixelFormatError(msg)
    if header.get("PhotometricInterpretation") not in ("MONOCHROME1", "MONOCHROME2"):
        msg = "the photometric interpretation is neither MONOCHROME1 nor MONOCHROME2"
        raise PixelFormatError(msg)
    allocated, stored = header.get("BitsAllocated"), header.get("BitsStored")
    if allocated not in (8, 16) or not isinstance(stored, int) or not 1 <= stored <= allocated:
        msg = f"{allocated} bits allocated, {stored} stored"
        raise PixelFormatError(msg)


def _refuse_short(header: Dataset, *, compressed: bool) -> None:
    """A stream that stops early: some decoders fill the rest with grey and say nothing."""
    data = header.PixelData
    if not compressed:
        wanted = header.Rows * header.Columns * header.BitsAllocated // 8
        if len(data) < wanted:
            msg = f"the file holds {len(data):,} of {wanted:,} bytes of pixels"
            raise TruncatedError(msg)
        return
    rle = str(header.file_meta.TransferSyntaxUID) == "1.2.840.10008.1.2.5"
    if not rle and _END_OF_IMAGE not in data[-32:]:
        msg = "the compressed pixel data stops before its end mark"
        raise TruncatedError(msg)


def read_frame(stream: BinaryIO) -> bytes | None:
    """The next frame, None when the other side has closed."""
    size = stream.read(8)
    return stream.read(int.from_bytes(size, "little")) if len(size) == 8 else None


def write_frame(stream: BinaryIO, content: bytes) -> None:
    """Length, content, and out."""
    stream.write(len(content).to_bytes(8, "little"))
    stream.write(content)
    stream.flush()


if __name__ == "__main__":
    main()
