"""Display values, worked out by hand from the standard's formulas."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset

from cases.dicom import render
from cases.faults import WindowError
from cases.spacing import spacing_mm


def header(**elements) -> Dataset:
    image = Dataset()
    image.PhotometricInterpretation, image.PixelRepresentation = "MONOCHROME2", 0
    image.BitsStored, image.SamplesPerPixel = 12, 1
    for keyword, value in elements.items():
        setattr(image, keyword, value)
    return image


def shown(stored, **elements) -> list[int]:
    return render(np.array([stored]), header(**elements)).pixels[0].tolist()


def test_a_linear_window_by_the_formula_of_the_standard():
    # PS3.3 C.11.2.1.2.1: c = 2048, w = 1024: black up to 1536, white above 2559, between ((x - 2047.5) / 1023 + 0.5)
    assert shown(np.uint16([0, 1536, 1537, 2047, 2048, 2559, 4095]), WindowCenter="2048", WindowWidth="1024") == [
        0,
        0,
        64,  # ((1537 - 2047.5) / 1023 + 0.5) * 65535 = 64.06
        32735,
        32800,  # the middle lies between the two
        65535,
        65535,
    ]


def test_monochrome1_shows_low_values_bright():
    window = {"WindowCenter": "2048", "WindowWidth": "4096"}
    # x / 4095 of the range, 65535 / 4095 = 16.0037 a step: 1000 -> 16004; inverted 49531
    assert shown(np.uint16([0, 1000, 4095]), **window) == [0, 16004, 65535]
    assert shown(np.uint16([0, 1000, 4095]), PhotometricInterpretation="MONOCHROME1", **window) == [65535, 49531, 0]


def test_an_inversion_that_is_stated_twice_is_applied_once():
    # a DX image says it by MONOCHROME1 and by Presentation LUT Shape INVERSE
    twice = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}
    assert shown(np.uint16([0, 4095]), WindowCenter="2048", WindowWidth="4096", **twice) == [65535, 0]
    assert shown(np.uint16([0, 4095]), WindowCenter="2048", WindowWidth="4096", PresentationLUTShape="INVERSE") == [
        65535,
        0,
    ]


def test_the_modality_comes_before_the_window():
    # slope 2, intercept -1000: 500 -> 0, 1000 -> 1000, 1500 -> 2000; LINEAR_EXACT 1000 +- 1000
    assert shown(
        np.uint16([400, 500, 1000, 1500, 1600]),
        RescaleSlope="2",
        RescaleIntercept="-1000",
        WindowCenter="1000",
        WindowWidth="2000",
        VOILUTFunction="LINEAR_EXACT",
    ) == [0, 0, 32768, 65535, 65535]


def test_a_negative_slope_does_not_turn_the_window_round():
    # slope -1, intercept 4095: stored 0 is the modality's 4095, so it is white
    window = {"WindowCenter": "2048", "WindowWidth": "4096"}
    assert shown(np.uint16([0, 4095]), RescaleSlope="-1", RescaleIntercept="4095", **window) == [65535, 0]


def test_signed_values():
    stored = np.int16([-2048, -1, 0, 2047])
    assert shown(stored, PixelRepresentation=1, WindowCenter="0", WindowWidth="4096") == [0, 32759, 32776, 65535]


def test_a_sigmoid_is_half_way_at_its_centre():
    assert shown(np.uint16([2048]), WindowCenter="2048", WindowWidth="500", VOILUTFunction="SIGMOID") == [32768]


def lut(entries, first, bits, data) -> list[Dataset]:
    item = Dataset()
    item.LUTDescriptor = [entries, first, bits]
    item.add_new("LUTData", "US", data)
    return [item]


def test_a_lookup_table_goes_before_the_window_and_holds_at_its_ends():
    table = lut(4, 10, 10, [0, 100, 1000, 1023])
    # below the first mapped value the first entry, beyond the last the last; 100 / 1023 * 65535 = 6406.16
    assert shown(
        np.uint16([0, 10, 11, 12, 13, 14, 4095]), VOILUTSequence=table, WindowCenter="2048", WindowWidth="4096"
    ) == [0, 0, 6406, 64062, 65535, 65535, 65535]


def test_a_modality_table_feeds_the_window():
    table = lut(3, 0, 16, [0, 32768, 65535])
    exact = {"WindowCenter": "32768", "WindowWidth": "65536"}
    assert shown(np.uint16([0, 1, 2, 9]), ModalityLUTSequence=table, **exact) == [0, 32768, 65535, 65535]


@pytest.mark.parametrize(
    "elements",
    [
        {"WindowCenter": "2048", "WindowWidth": "0"},  # LINEAR needs a width of at least one
        {"WindowCenter": "2048", "WindowWidth": "10", "VOILUTFunction": "CUBIC"},  # no such function
        {"VOILUTSequence": lut(512, 0, 8, [0] * 512)},  # eight bits cannot count 512 entries
        {"VOILUTSequence": lut(4, 0, 10, [0, 1])},  # fewer entries than declared
        {"RescaleSlope": "1e308", "RescaleIntercept": "1e308"},  # overflows
    ],
)
def test_display_values_that_cannot_be_applied_are_refused(elements):
    with pytest.raises(WindowError, match="cannot be applied"):
        render(np.uint16([[0, 1000, 3]]), header(**elements))


def test_without_a_window_the_outermost_half_per_cent_is_cut_and_said():
    stored = np.r_[np.zeros(1, np.uint16), np.arange(1000, 1998, dtype=np.uint16), np.uint16([60000])].reshape(10, 100)
    rendering = render(stored, header(BitsStored=16))
    assert rendering.warnings == ("the file brings no window: shown over the 0.5 to 99.5 percentiles of its values",)
    # 0.5 % of 1000 values: the fifth smallest (1003) is black, the 995th (1993) is white
    row = rendering.pixels.ravel()
    assert [row[4], row[5], row[994], row[993]] == [0, 66, 65535, 65469]


def test_padding_is_black_and_not_measured():
    stored = np.uint16([[100, 200, 4095, 4095, 4095]])
    padded = render(stored, header(PixelPaddingValue=4095, PhotometricInterpretation="MONOCHROME1"))
    assert padded.pixels.tolist() == [[65535, 0, 0, 0, 0]]
    ranged = render(stored, header(PixelPaddingValue=4000, PixelPaddingRangeLimit=4095))
    assert ranged.pixels.tolist() == [[0, 65535, 0, 0, 0]]  # black, although the value is the brightest


def test_a_uniform_image_is_said_to_show_nothing():
    assert "uniform" in render(np.full((4, 4), 9, np.uint16), header()).warnings[0]


@pytest.mark.parametrize(
    ("elements", "spacing", "source"),
    [
        ({"PixelSpacing": [0.2, 0.1]}, (0.2, 0.1), "PixelSpacing"),
        ({"PixelSpacing": [0.2, 0.1], "ImagerPixelSpacing": [0.3, 0.3]}, (0.2, 0.1), "PixelSpacing"),
        ({"ImagerPixelSpacing": [0.3, 0.3]}, (0.3, 0.3), "ImagerPixelSpacing"),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.3, 0.3]}, (0.3, 0.3), "ImagerPixelSpacing"),
        ({"PixelSpacing": ["0.000", "0.000"]}, None, None),  # as in RG1
        ({"PixelSpacing": [0.2, -0.1]}, None, None),
        ({"PixelSpacing": [0.2, float("nan")]}, None, None),
        ({"PixelSpacing": 0.2}, None, None),  # one value where two belong
        ({}, None, None),
    ],
)
def test_spacing(elements, spacing, source):
    found, keyword, warnings = spacing_mm(header(**elements))
    assert (found, keyword) == (spacing, source)
    assert bool(warnings) == (elements.get("PixelSpacing") not in (None, [0.2, 0.1]))
