"""The decoding process: every encoding gives the same picture, and nothing that is sent brings the import down."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import gdcm
import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from cases import decode, decode_worker
from cases.decode import Decoder, Limits
from cases.decode_worker import DECODERS
from cases.faults import CaseError


@pytest.fixture(scope="module")
def decoder():
    with Decoder() as open_decoder:
        yield open_decoder


def pixels_of(decoder: Decoder, data: bytes) -> np.ndarray:
    decoder.header(data)
    return decoder.pixels().pixels


def noise(rows: int = 64, columns: int = 48) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 4096, (rows, columns)).astype(np.uint16)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless], ids=["rle", "jpeg-ls", "jpeg-2000"])
def test_a_lossless_encoding_changes_no_pixel(decoder, files, syntax):
    plain = files.radiograph(noise())
    compressed = files.radiograph(noise())
    compressed.compress(syntax)
    assert (pixels_of(decoder, files.as_bytes(plain)) == pixels_of(decoder, files.as_bytes(compressed))).all()


def test_jpeg_lossless_changes_no_pixel(decoder, files, tmp_path):
    plain = files.as_bytes(files.radiograph(noise()))
    source, target = tmp_path / "plain.dcm", tmp_path / "lossless.dcm"
    source.write_bytes(plain)
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(source))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(target))
    assert writer.Write()
    assert pydicom.dcmread(target).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.70"
    assert (pixels_of(decoder, plain) == pixels_of(decoder, target.read_bytes())).all()


def test_the_real_radiograph_is_one_picture_in_each_lossless_encoding(decoder, files):
    plain, reversible, irreversible, twin = (
        pixels_of(decoder, files.packaged(f"RG1_{name}").read_bytes()) for name in ("UNCR", "J2KR", "J2KI", "UNCI")
    )
    assert plain.shape == (1955, 1841)
    assert (plain == reversible).all()
    assert (irreversible == twin).all()
    # stated tolerance of the lossy one: 1 % of the display range for 99.9 % of pixels, 0.2 % on average
    error = np.abs(plain.astype(int) - irreversible)
    assert np.percentile(error, 99.9) < 655
    assert error.mean() < 131


def test_a_codec_that_is_offered_is_one_that_is_installed():
    from pydicom.pixels.decoders.base import get_decoder

    for syntax, plugin in DECODERS.items():
        known = get_decoder(pydicom.uid.UID(syntax))
        assert not plugin or plugin in known.available_plugins, (syntax, plugin)


def lying(files, **elements) -> bytes:
    """A file whose header claims something else than its pixels are."""
    image = files.radiograph()
    for keyword, value in elements.items():
        setattr(image, keyword, value)
    return files.as_bytes(image)


def deflated_bomb(files) -> bytes:
    """A small file that inflates to a thousand times its size."""
    image = files.radiograph()
    image.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    head = io.BytesIO()
    image.save_as(head, enforce_file_format=True)
    start = head.getvalue().index(b"1.2.840.10008.1.2.1.99") + 22
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = bytes(1 << 20)
    return head.getvalue()[:start] + b"".join(squeeze.compress(block) for _ in range(64)) + squeeze.flush()


def cut_inside(files, syntax) -> bytes:
    """Compressed pixel data, well framed, whose code stream stops half way."""
    image = files.radiograph(noise())
    image.compress(syntax)
    from pydicom.encaps import encapsulate, generate_frames

    frame = next(generate_frames(image.PixelData, number_of_frames=1))
    image.PixelData = encapsulate([frame[: len(frame) // 2 * 2 // 2]])
    return files.as_bytes(image)


def unknown_syntax(files) -> bytes:
    image = files.radiograph()
    data = files.as_bytes(image)
    return data.replace(b"1.2.840.10008.1.2.1\x00", b"1.2.840.10008.1.9.9\x00", 1)


AWKWARD = [
    ("text renamed .dcm", lambda files: b"Findings: none.\n" * 50, "not_dicom"),
    ("nothing at all", lambda files: b"", "truncated"),
    ("only the mark", lambda files: bytes(128) + b"DICM", "truncated"),
    ("cut in the header", lambda files: files.as_bytes(files.radiograph())[:700], "truncated|no_pixels"),
    ("cut in the pixels", lambda files: files.as_bytes(files.radiograph())[:-100], "truncated"),
    ("code stream cut, JPEG 2000", lambda files: cut_inside(files, JPEG2000Lossless), "truncated"),
    ("code stream cut, JPEG-LS", lambda files: cut_inside(files, JPEGLSLossless), "truncated"),
    ("code stream cut, RLE", lambda files: cut_inside(files, RLELossless), "damaged_pixels"),
    ("no rows", lambda files: lying(files, Rows=0), "no_pixels"),
    ("no columns", lambda files: lying(files, Columns=0), "no_pixels"),
    ("65535 x 65535 claimed", lambda files: lying(files, Rows=65535, Columns=65535), "too_large"),
    ("6000 x 6000 claimed, tiny data", lambda files: lying(files, Rows=6000, Columns=6000), "truncated"),
    ("deflated bomb", deflated_bomb, "transfer_syntax"),
    ("unsupported transfer syntax", unknown_syntax, "transfer_syntax"),
    ("colour", lambda files: lying(files, SamplesPerPixel=3), "pixel_format"),
    ("palette", lambda files: lying(files, PhotometricInterpretation="PALETTE COLOR"), "pixel_format"),
    ("several frames", lambda files: lying(files, NumberOfFrames=2), "pixel_format"),
    ("32 bits", lambda files: lying(files, BitsAllocated=32, BitsStored=32), "pixel_format"),
    ("more bits stored than allocated", lambda files: lying(files, BitsStored=17), "pixel_format"),
    ("a window of no width", lambda files: lying(files, WindowWidth="0"), "display_values"),
    ("garbage after the mark", lambda files: bytes(128) + b"DICM" + b"\xff" * 4000, "truncated|unreadable"),
]


@pytest.mark.parametrize(("make", "rules"), [row[1:] for row in AWKWARD], ids=[row[0] for row in AWKWARD])
def test_what_cannot_be_read_says_its_rule_and_the_way_out(decoder, files, make, rules):
    data = make(files)
    with pytest.raises(CaseError) as caught:
        pixels_of(decoder, data)
    assert caught.value.rule in rules.split("|"), str(caught.value)
    assert caught.value.way_out in str(caught.value)
    assert not any(secret in str(caught.value) for secret in files.SECRETS)
    # and the next file is read as ever
    assert pixels_of(decoder, files.as_bytes(files.radiograph())).shape == (48, 40)


def test_a_file_that_is_too_large_is_not_even_sent(files):
    with Decoder(Limits(file_bytes=1000)) as small, pytest.raises(CaseError, match="more than 1,000"):
        small.header(files.as_bytes(files.radiograph()))


def test_the_deadline_ends_a_process_that_hangs(files):
    with Decoder() as decoder:
        assert decoder.header(files.as_bytes(files.radiograph())).Rows == 48
        child = decoder._child._process
        os.kill(child.pid, signal.SIGSTOP)  # stands for a parser that waits for ever
        decoder._limits = Limits(seconds=0.3)
        with pytest.raises(CaseError) as caught:
            decoder.pixels()
        assert caught.value.rule == "deadline"
        assert child.poll() is not None
        decoder._limits = Limits()
        assert pixels_of(decoder, files.as_bytes(files.radiograph())).shape == (48, 40)


def test_a_parser_that_loops_runs_out_of_processor_time(files, tmp_path, monkeypatch):
    # a package in front of ours whose parser loops: pydicom has such loops, and no reproducer belongs in a repository
    stub = tmp_path / "cases"
    stub.mkdir()
    (stub / "__init__.py").write_text(f"__path__.append({str(Path(decode.__file__).parent)!r})")
    (stub / "decode_worker.py").write_text(
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('real', {str(Path(decode_worker.__file__))!r})\n"
        "real = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(real)\n"
        "def parse(data):\n    while True: pass\n"
        "real.parse = parse\n"
        "real.main()\n"
    )
    monkeypatch.setattr(decode, "_ROOT", tmp_path)
    with Decoder(Limits(processor_seconds=0)) as decoder, pytest.raises(CaseError) as caught:
        decoder.header(files.as_bytes(files.radiograph()))
    assert caught.value.rule == "deadline"
    assert "processor time" in str(caught.value)


def test_a_process_that_dies_is_said_to_have_died(files):
    with Decoder() as decoder:
        decoder.header(files.as_bytes(files.radiograph()))
        decoder._child._process.kill()
        with pytest.raises(CaseError) as caught:
            decoder.pixels()
        assert caught.value.rule == "decoder_crash"
        assert decoder.header(files.as_bytes(files.radiograph())).Rows == 48


def test_memory_is_capped(files):
    big = files.radiograph(np.zeros((4000, 4000), np.uint16))
    with Decoder(Limits(memory_bytes=330 << 20)) as decoder, pytest.raises(CaseError) as caught:
        pixels_of(decoder, files.as_bytes(big))
    assert caught.value.rule in ("memory", "decoder_crash")


def test_the_process_says_nothing_and_knows_nothing_of_ours(monkeypatch):
    monkeypatch.setenv("OVERREAD_SECRET", "x")
    from cases.decode import _bare_environment

    assert set(_bare_environment()) == {"PATH", "PYTHONPATH", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}


def test_importing_the_intake_loads_no_decoder():
    code = "import sys, cases.intake; print('pydicom' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
