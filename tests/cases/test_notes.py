"""Notes: what is text, when it was written, and what is taken out of it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.case_file import read_case_file
from cases.faults import CaseFileError, NotTextError, TooLargeError
from cases.identity import identity_of
from cases.notes import RawNote, Reducer, decoded_text, first_date, note_from_file, prior_notes


@pytest.fixture
def reduce(files):
    return Reducer([identity_of(files.radiograph(OtherPatientIDs="26210"))], days=-10)


@pytest.mark.parametrize(
    ("text", "reduced"),
    [
        ("Mrs Zebrowska, KAZIMIERA, was seen.", "Mrs [name], [name], was seen."),
        ("zebrowska's chest", "[name]'s chest"),
        ("Referred by Quackenbush.", "Referred by [name]."),
        ("MRN-777123 and 26210, ACC-4242", "[number] and [number], [number]"),
        ("Born 1960-07-04, or 4 July 1960, or 04.07.1960", "Born [birth date], or [birth date], or [birth date]"),
        ("Compared with 2019-03-12.", "Compared with 2019-03-02."),  # moved by the patient's shift
        ("CT of 12 March 2019 and March 12, 2019", "CT of 2019-03-02 and 2019-03-02"),
        ("on 3/12/2019", "on [date]"),  # month or day first, nobody knows
        ("on 31.02.2019", "on [date]"),  # no such day
        ("call +49 221 4780 1234 or (555) 123-4567", "call [number] or [number]"),
        ("write to a.b@example.org or https://example.org/x", "write to [address] or [address]"),
        ("MRN: 44-1 by Dr. Anna Schmidt", "[number] by Dr. [name]"),
        ("study 1.2.840.113619.2.55.3.604688", "study [number]"),
        ("A 12 mm nodule in the left upper lobe, segment 3.", "A 12 mm nodule in the left upper lobe, segment 3."),
        ("CRP 4.2, grade 2/4, T4 to T12, 10.5 cm", "CRP 4.2, grade 2/4, T4 to T12, 10.5 cm"),
        ("Zebrowskan geology", "Zebrowskan geology"),  # a longer word is another word
    ],
)
def test_known_identifiers_go_and_findings_stay(reduce, text, reduced):
    assert reduce(text) == reduced


def test_names_in_other_spellings(files):
    image = files.radiograph(PatientName="Müller^José^Ng")
    image.SpecificCharacterSet = "ISO_IR 192"
    reduce = Reducer([identity_of(image)], days=-1)
    assert reduce("Mueller, Muller, MÜLLER; jose, José; Ng but not running") == (
        "[name], [name], [name]; [name], [name]; [name] but not running"
    )


def test_invisible_characters_hide_no_name(reduce):
    assert reduce(decoded_text("Zeb\u200brow\u00adska".encode())) == "[name]"


@given(st.text(max_size=200))
def test_reducing_never_fails_and_leaves_no_identifier(text):
    from cases.identity import Identity

    identity = Identity("MRN-777123", "", "Zebrowska^K", "19600704", "", "", "", "", ("Zebrowska^K",), ("MRN-777123",))
    reduced = Reducer([identity], days=-10)(f"{text} Zebrowska {text} MRN-777123 {text}")
    assert "Zebrowska " not in reduced
    assert "MRN-777123 " not in reduced


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain\r\nlines\rhere", "plain\nlines\nhere"),
        ("\ufeffwith a mark".encode(), "with a mark"),
        ("in UTF-16: ä".encode("utf-16"), "in UTF-16: ä"),
        ("Grüße".encode(), "Grüße"),
    ],
)
def test_what_is_text(data, text):
    assert decoded_text(data) == text


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n\xe2\xe3\xcf\xd3",  # a PDF
        b"\x89PNG\r\n\x1a\n\x00",
        b"nul \x00 inside",
        "Grüße".encode("latin-1"),  # could be read in several ways, so it is not read at all
        b"\x1b[31mred",  # a terminal escape
        b"\xff\xfeodd",  # says UTF-16 and is not
    ],
)
def test_what_is_not_text(data):
    with pytest.raises(NotTextError, match="UTF-8"):
        decoded_text(data)


def test_a_note_of_a_megabyte_is_none():
    with pytest.raises(TooLargeError, match="256,000"):
        decoded_text(b"a" * 1_000_000)


@pytest.mark.parametrize(
    ("name", "text", "written", "kind"),
    [
        ("2019-03-12.txt", "Seen today.", date(2019, 3, 12), "note"),
        ("20190312_report.txt", "Clear.", date(2019, 3, 12), "report"),
        ("note.txt", "12 March 2019\nSeen.", date(2019, 3, 12), "note"),
        ("a.txt", "Report of 12.03.2019\n\nFINDINGS: clear", date(2019, 3, 12), "report"),
        ("a.txt", "Seen.\n\n\n\nLast CT 2019-03-12", None, "note"),  # too far down to be its heading
        ("2018-01-01.txt", "12 March 2019", date(2018, 1, 1), "note"),  # the name goes first
    ],
)
def test_when_a_note_was_written_and_what_it_is(name, text, written, kind):
    assert note_from_file(name, text.encode()) == RawNote(text, written, kind)


def test_an_empty_note_is_a_missing_note():
    assert note_from_file("2019-03-12.txt", b" \n\t\n") is None


def test_notes_are_newest_first_with_names_that_say_nothing(reduce):
    raw = [
        RawNote("b", date(2018, 1, 1), "note"),
        RawNote("c", None, "note"),
        RawNote("a", date(2019, 1, 11), "report"),
    ]
    notes = prior_notes(raw, reduce=reduce, days=-10)
    assert [(note.note_id, note.text, note.written) for note in notes] == [
        ("note-1", "a", date(2019, 1, 1)),
        ("note-2", "b", date(2017, 12, 22)),
        ("note-3", "c", None),
    ]
    assert prior_notes(reversed(raw), reduce=reduce, days=-10) == notes


def test_a_raw_note_does_not_show_itself():
    assert "Zebrowska" not in repr(RawNote("Zebrowska", None, "note"))


def test_first_date_skips_what_is_ambiguous():
    assert first_date("1/2/2019, 2019-02-30, then 3 Feb 2019") == date(2019, 2, 3)


def test_a_case_file_in_all_its_parts():
    found = read_case_file(
        b'{"indication": "Cough", "age": 61, "sex": "F", "labs": {"CRP": 4.2}, "smoking": "30 pack years",'
        b' "prior_cancer": "breast, 2011", "received": "2020-03-10T09:00:00+01:00",'
        b' "observations": [{"name": "D-dimer", "value": 0.4, "unit": "mg/l", "observed": "2020-03-01"}],'
        b' "notes": [{"date": "2019-01-02", "kind": "report", "text": "Clear."}]}'
    )
    assert [(item.name, item.value, item.observed) for item in found.all_observations()] == [
        ("D-dimer", "0.4 mg/l", date(2020, 3, 1)),
        ("CRP", "4.2", None),
        ("smoking", "30 pack years", None),
        ("prior cancer", "breast, 2011", None),
    ]
    assert found.notes[0].date == date(2019, 1, 2)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"not json", "not JSON (line 1)"),
        (b"\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),  # nested without end
        (b"[]", "at the top"),
        (b'{"age": "Zebrowska"}', "at age"),
        (b'{"age": 200}', "at age"),
        (b'{"sex": "Zebrowska"}', "at sex"),
        (b'{"Zebrowska": 1}', "at (another name)"),
        (b'{"labs": {"Zebrowska": []}}', "at labs.(another name)"),
        (b'{"received": "2020-03-10T09:00:00"}', "at received"),  # no zone
        (b'{"notes": [{"text": ""}]}', "at notes.0.text"),
        (b'{"notes": [{"date": "Zebrowska", "text": "a"}]}', "at notes.0.date"),
    ],
)
def test_a_case_file_that_is_wrong_says_where_and_quotes_nothing(content, place):
    with pytest.raises(CaseFileError) as caught:
        read_case_file(content)
    assert place in str(caught.value)
    assert "Zebrowska" not in str(caught.value)
    assert caught.value.__cause__ is None
