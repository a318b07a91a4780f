"""The JSON form of cases, drafts, reviews and decisions: exact both ways, strict when read."""

from __future__ import annotations

import dataclasses
import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.draft import Draft, DraftStatus, Failure, FailureKind, ModelIdentity, StageSeconds
from cases.review import Arm, Decision, Reason, Review, SentenceReview
from cases.serialize import (
    SerializeError,
    case_from_json,
    draft_from_json,
    evidence_from_json,
    review_from_json,
    second_read_from_json,
    sentence_review_from_json,
    to_dict,
    to_json,
)
from cases.study import Case, CaseStatus, Image, InputName, InputState, MissingReason, Observation, PriorNote
from grounding.box import Box
from grounding.placement import Placement
from grounding.report import Citation, GroundedReport, GroundedSentence, Laterality, Polarity, Progression, Section

WORDS = st.text(min_size=1, max_size=20).filter(str.strip)  # any Unicode but surrogates: NUL, U+2028, emoji, RTL marks
NAMES = st.text(max_size=8)
MAYBE = st.none() | NAMES
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(timezones=st.just(UTC) | OFFSETS).filter(lambda time: 1 < time.year < 9999 - 1)
DATES = st.none() | st.dates()
SECONDS = st.floats(0, 1e9)
COUNTS = st.integers(1, 10**6)


def tuples(items, **sizes):
    return st.lists(items, max_size=3, **sizes).map(tuple)


@st.composite
def boxes(draw):
    edge = st.floats(0, 1)
    corners = draw(st.tuples(edge, edge, edge, edge).filter(lambda c: c[0] != c[1] and c[2] != c[3]))
    (x_min, x_max), (y_min, y_max) = sorted(corners[:2]), sorted(corners[2:])
    return Box(x_min, y_min, x_max, y_max)


@st.composite
def citations(draw):
    quote, start = draw(WORDS), draw(st.integers(0, 10**6))
    return Citation(draw(NAMES), start, start + len(quote), quote)


@st.composite
def sentences(draw):
    polarity = draw(st.sampled_from(Polarity))
    return GroundedSentence(
        draw(WORDS),
        section=draw(st.sampled_from(Section)),
        finding=draw(MAYBE),
        polarity=polarity,
        laterality=draw(st.sampled_from(Laterality)),
        location=draw(MAYBE),
        progression=draw(st.sampled_from(Progression)),
        groundable=draw(st.booleans()),
        boxes=() if polarity is Polarity.ABSENT else draw(tuples(boxes())),
        citations=draw(tuples(citations())),
        derived=draw(tuples(NAMES)),
    )


@st.composite
def sentence_reviews(draw):
    decision = draw(st.sampled_from(Decision))
    return SentenceReview(
        draw(st.integers(0, 99)),
        decision,
        None if decision is Decision.ADDED else draw(sentences()),
        None if decision is Decision.DELETED else draw(sentences()),
        None if decision is Decision.KEPT else draw(st.sampled_from(Reason)),
    )


@st.composite
def reviews(draw):
    opened, took = draw(TIMES), draw(st.timedeltas(timedelta(0), timedelta(days=9)))
    return Review(
        *(draw(NAMES), draw(NAMES), draw(MAYBE), draw(WORDS), draw(st.sampled_from(Arm)), opened, opened + took),
        draw(SECONDS | st.integers(0, 9)),  # an int where a float is declared is written as a float
        draw(tuples(sentence_reviews())),
        draw(st.none() | TIMES),
        draw(MAYBE),
    )


IMAGES = st.builds(
    Image,
    sha256=NAMES,
    rows=COUNTS,
    columns=COUNTS,
    modality=NAMES,
    view_position=MAYBE,
    pixel_spacing_mm=st.none() | st.tuples(st.floats(1e-9, 9), st.floats(1e-9, 9)),
    spacing_source=MAYBE,
    acquired=DATES,
    simulated=st.booleans(),
)
STATES = st.builds(InputState, st.sampled_from(InputName), st.just(False), st.sampled_from(MissingReason)) | st.builds(
    InputState, st.sampled_from(InputName), st.just(True)
)
CASES = st.builds(
    Case,
    case_id=NAMES,
    patient_pseudonym=NAMES,
    received=TIMES,
    status=st.sampled_from(CaseStatus),
    image=st.none() | IMAGES,
    notes=st.lists(st.builds(PriorNote, NAMES, DATES, NAMES, WORDS), max_size=3, unique_by=lambda n: n.note_id).map(
        tuple
    ),
    indication=MAYBE,
    age_years=st.none() | st.integers(0, 130),
    sex=MAYBE,
    observations=tuples(st.builds(Observation, NAMES, NAMES, DATES)),
    inputs=tuples(STATES),
    abstention=NAMES,
    site=MAYBE,
    scanner=MAYBE,
    warnings=tuples(NAMES),
)
PLACEMENTS = st.builds(
    Placement,
    *([COUNTS] * 4),
    *([st.floats(1e-6, 1e3)] * 2),
    *([st.floats(-1e4, 1e4)] * 2),
)


@st.composite
def drafts(draw):
    status = draw(st.sampled_from(DraftStatus))
    ok = status is DraftStatus.OK
    report = draw(st.builds(GroundedReport, tuples(sentences(), min_size=1), tuples(NAMES))) if ok else None
    failure = draw(st.builds(Failure, st.sampled_from(FailureKind), NAMES)) if status is DraftStatus.FAILED else None
    scores = tuple(draw(st.floats(0, 1)) for _ in report.boxes) if report and draw(st.booleans()) else ()
    return Draft(
        *(draw(NAMES), draw(NAMES), draw(TIMES), status),
        draw(st.builds(ModelIdentity, *([NAMES] * 6), st.integers(), tuples(NAMES))),
        draw(NAMES),
        report=report,
        failure=failure,
        abstention=draw(NAMES) if status is DraftStatus.ABSTAINED else None,
        placement=draw(st.none() | PLACEMENTS),
        box_scores=scores,
        seconds=draw(tuples(st.builds(StageSeconds, NAMES, SECONDS))),
    )


EXACTLY = settings(max_examples=40, deadline=None)


@EXACTLY
@given(CASES)
def test_a_case_comes_back_exactly(case):
    text = to_json(case)
    assert case_from_json(text) == case
    assert to_json(case_from_json(text)) == text


@EXACTLY
@given(drafts())
def test_a_draft_comes_back_exactly(draft):
    text = to_json(draft)
    assert draft_from_json(text) == draft
    assert to_json(draft_from_json(text)) == text


@EXACTLY
@given(reviews())
def test_a_review_comes_back_exactly(review):
    text = to_json(review)
    assert review_from_json(text) == review
    assert to_json(review_from_json(text)) == text


@EXACTLY
@given(sentence_reviews())
def test_a_decision_comes_back_exactly(decision):
    assert sentence_review_from_json(to_json(decision)) == decision


def test_evidence_comes_back_exactly(samples):
    """Every kind of part, and every part that may be missing: not measured stays apart from none found."""
    whole = samples.evidence()
    for evidence in (
        whole,
        samples.evidence(unlikeness=None, appearing_without_notes=None, triggers=(), missing=(), seconds=()),
        samples.evidence(sentences=(samples.SentenceEvidence(0), samples.SentenceEvidence(1, without_notes=()))),
        samples.evidence(sentences=(), triggers=()),
    ):
        assert evidence_from_json(to_json(evidence)) == evidence
    assert to_dict(whole)["sentences"][0]["heatmap"]["values"] == [0.5, None, -0.125]
    assert to_dict(whole)["sentences"][1]["without_notes"] is None


def test_evidence_of_an_earlier_version_may_lack_what_has_a_default(samples):
    form = to_dict(samples.evidence())
    for key in ("appearing_without_image", "missing"):
        del form[key]
    del form["sentences"][1]["copied_share"]
    assert evidence_from_json(json.dumps(form)) == samples.evidence(missing=())


@pytest.mark.parametrize(
    "changes",
    [
        {"created": "2026-03-01T08:01:00"},  # no zone
        {"sentences": []},  # and a trigger on the first of them
        {"triggers": [{}]},
        {"unlikeness": "NaN"},
        {"colour": "red"},
    ],
)
def test_what_is_no_evidence_is_refused(samples, changes):
    with pytest.raises(SerializeError):
        evidence_from_json(json.dumps({**to_dict(samples.evidence()), **changes}))


def test_a_second_read_comes_back_exactly(samples):
    for read in (samples.second_read(), samples.disagreement()):
        assert second_read_from_json(to_json(read)) == read
    with pytest.raises(SerializeError):
        second_read_from_json(json.dumps({**to_dict(samples.second_read()), "verdict": "maybe"}))


def test_every_field_is_written(samples):
    """No field of any record is silently left out of what is kept and hashed."""
    records = (samples.case(), samples.draft(), samples.review(), samples.kept())
    for record in (*records, samples.evidence(), samples.MEASURED, samples.second_read()):
        assert to_dict(record).keys() == {field.name for field in dataclasses.fields(record)}


def test_the_form_is_what_json_readers_expect(samples):
    form = to_dict(samples.draft())
    assert form["created"] == "2026-03-01T08:01:00+00:00"
    assert form["status"] == "ok"
    assert form["report"]["sentences"][0]["boxes"] == [
        {"x_min": 0.1, "y_min": 0.2, "x_max": 0.30000000000000004, "y_max": 0.4}
    ]
    assert json.loads(to_json(samples.draft())) == form


def test_equal_instants_give_equal_bytes(samples):
    there = timezone(timedelta(hours=5, minutes=45))
    abroad = samples.case(received=samples.START.astimezone(there))
    assert to_json(abroad) == to_json(samples.case())


def test_both_hours_of_the_night_the_clocks_go_back_are_kept_apart(samples):
    """Python never finds such a local time equal to any UTC time (PEP 495); its instant is written all the same."""
    berlin = ZoneInfo("Europe/Berlin")
    first, second = (datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=berlin) for fold in (0, 1))
    assert to_dict(samples.case(received=first))["received"] == "2026-10-25T00:30:00+00:00"
    assert to_dict(samples.case(received=second))["received"] == "2026-10-25T01:30:00+00:00"


def test_a_whole_number_of_seconds_has_one_spelling(samples):
    assert to_json(samples.review(active_s=90)) == to_json(samples.review(active_s=90.0))


def test_a_key_that_stands_twice_is_refused(samples):
    """Readers of JSON differ in which of the two counts, so neither does."""
    with pytest.raises(SerializeError, match="twice"):
        case_from_json(to_json(samples.case()).replace('{"abstention":null', '{"abstention":null,"abstention":null', 1))


def test_an_older_row_may_lack_what_has_a_default(samples):
    form = to_dict(samples.case())
    del form["warnings"]
    assert case_from_json(json.dumps(form)) == samples.case(warnings=())


def edited(samples, **changes):
    return json.dumps({**to_dict(samples.case()), **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"patient_name": "x"},  # a key that no case has
        {"case_id": None},  # a text is wanted
        {"case_id": 7},  # a number is no text
        {"age_years": True},  # a truth value is no number
        {"age_years": 61.0},  # nor is a float a count of years
        {"age_years": "61"},  # nor a text
        {"received": "2026-03-01T08:00:00"},  # a time without a zone
        {"received": "yesterday"},  # no time at all
        {"received": 1772352000},  # a number is no time
        {"status": "Registered"},  # not in the vocabulary
        {"notes": {}},  # an object is no array
        {"notes": "n1"},  # a text is no array of texts
        {"notes": [{"note_id": "n", "written": None, "kind": "note", "text": " "}]},  # what PriorNote refuses
        {"warnings": [None]},  # an array of texts
        {"image": []},  # an array is no object
        {"image": None},  # a case without an image and without a reason
    ],
)
def test_what_is_no_case_is_refused_and_not_repeated(samples, changes):
    with pytest.raises(SerializeError) as caught:
        case_from_json(edited(samples, **changes))
    assert "yesterday" not in str(caught.value)
    assert "patient_name" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",  # nothing
        '{"case_id":"c1"',  # cut short
        "[]",  # an array
        "null",  # nothing, in JSON
        '"c1"',  # a text
        "[" * 100_000,  # deeper than the reader can go
        '{"active_s":NaN}',  # not JSON, though Python reads it
        '{"age_years":' + "9" * 5000 + "}",  # more digits than Python converts
    ],
)
def test_what_is_no_json_is_refused(text):
    with pytest.raises(SerializeError):
        case_from_json(text)


def test_a_missing_key_without_a_default_is_refused(samples):
    form = to_dict(samples.draft())
    del form["raw_text"]
    with pytest.raises(SerializeError, match="raw_text"):
        draft_from_json(json.dumps(form))


@pytest.mark.parametrize(
    "seconds",
    [
        math.nan,  # not measured is None, never NaN
        math.inf,
        10**400,  # an int that no float can hold
        "1.5",
        True,
    ],
)
def test_what_json_cannot_carry_exactly_is_refused(samples, seconds):
    with pytest.raises(SerializeError, match="finite"):
        to_json(samples.draft(seconds=(StageSeconds("answer", seconds),)))


def test_half_a_surrogate_pair_is_refused(samples):
    with pytest.raises(SerializeError, match="surrogate"):
        to_json(samples.draft(raw_text="\ud800"))


def test_a_time_in_place_of_a_date_is_refused(samples):
    with pytest.raises(SerializeError, match="date is wanted"):
        to_json(samples.case(notes=(PriorNote("n1", datetime(2026, 1, 1, tzinfo=UTC), "note", "x"),)))
    assert case_from_json(to_json(samples.case(notes=(PriorNote("n1", date(1, 1, 1), "note", "x"),))))
