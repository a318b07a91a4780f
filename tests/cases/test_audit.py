"""The hash of a link: over every field, stable in its bytes, blind to the zone a time is written in."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from cases.audit import GENESIS, Action, AuditEvent, canonical_json, link_hash, sealed

EVENT = AuditEvent(
    1, datetime(2026, 3, 1, 8, tzinfo=UTC), "reader-1", "reader", Action.REVIEW_SIGNED, "r1", '{"rows":[]}', GENESIS, ""
)


def test_the_hash_is_that_of_the_documented_form():
    """Written out by hand, so that another program can verify a chain."""
    form = (
        '[1,"2026-03-01T08:00:00+00:00","reader-1","reader","review_signed","r1","{\\"rows\\":[]}","' + "0" * 64 + '"]'
    )
    assert link_hash(EVENT) == hashlib.sha256(form.encode()).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": 2},
        {"recorded": EVENT.recorded + timedelta(microseconds=1)},
        {"agent": "reader-2"},
        {"role": "admin"},
        {"action": Action.REVIEW_ABANDONED},
        {"entity": "r2"},
        {"detail": "{}"},
        {"previous_hash": "1" * 64},
    ],
)
def test_every_field_counts(change):
    assert link_hash(dataclasses.replace(EVENT, **change)) != link_hash(EVENT)


def test_fields_cannot_be_shifted_into_each_other():
    assert link_hash(dataclasses.replace(EVENT, agent='reader-1","x')) != link_hash(
        dataclasses.replace(EVENT, role='x","reader')
    )


def test_the_zone_does_not_count():
    abroad = EVENT.recorded.astimezone(timezone(timedelta(hours=-7)))
    assert link_hash(dataclasses.replace(EVENT, recorded=abroad)) == link_hash(EVENT)


def test_sealing_fills_in_the_hash_and_nothing_else():
    done = sealed(EVENT)
    assert done.hash == link_hash(done) == link_hash(EVENT)
    assert dataclasses.replace(done, hash="") == EVENT


def test_canonical_json_refuses_what_json_has_no_number_for():
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"seconds": float("nan")})
