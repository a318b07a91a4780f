"""Active reading time: what counts and what does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.reading_time import IDLE_AFTER_S, Activity, active_seconds

START = datetime(2026, 1, 1, 8, tzinfo=UTC)


def at(*seconds: float) -> list[datetime]:
    return [START + timedelta(seconds=s) for s in seconds]


@pytest.mark.parametrize(
    ("seconds", "active"),
    [
        ((), 0.0),
        ((0,), 0.0),  # one interaction measures nothing
        ((0, 60), 60.0),  # the longest gap that counts
        ((0, 60.5), 0.0),  # longer: nobody knows
        ((0, 10, 3600, 3605), 15.0),  # a coffee in between
        ((0, 10, 5, 15), 20.0),  # the clock stepped back: that gap counts nothing
    ],
)
def test_gaps_of_up_to_a_minute_count(seconds, active):
    assert active_seconds(at(*seconds)) == active


@given(st.lists(st.floats(0, 1e5), max_size=30))
def test_active_time_is_never_more_than_wall_time_and_agrees_step_by_step(seconds):
    moments = sorted(at(*seconds))
    active = active_seconds(moments)
    wall = (moments[-1] - moments[0]).total_seconds() if moments else 0.0
    assert 0.0 <= active <= wall + 1e-6
    assert active <= IDLE_AFTER_S * max(len(moments) - 1, 0) + 1e-6
    if moments:
        activity = Activity(moments[0], 0.0)
        for moment in moments[1:]:
            activity = activity.at(moment)
        assert activity.active_s == active
