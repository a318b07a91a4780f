"""The dashboard's words: statuses, waits, inputs and choices as a clinician reads them. No markup, no rules."""

from __future__ import annotations

from datetime import datetime, timedelta

from cases.draft import Draft, DraftStatus
from cases.review import Decision, Reason
from cases.second_read import Verdict
from cases.study import Case, CaseStatus, InputName, MissingReason
from vlm.drafting_job import Cancelled, Drafting, Job, Queued, Refused

RESEARCH_USE = "Draft, research use only"

STATUS = {
    CaseStatus.REGISTERED: "Waiting for a draft",
    CaseStatus.PRELIMINARY: "To read",
    CaseStatus.FINAL: "Signed",
    CaseStatus.AMENDED: "Signed, amended",
    CaseStatus.ENTERED_IN_ERROR: "Entered in error",
    CaseStatus.ABSTAINED: "Out of scope",
}
INPUT = {
    InputName.CURRENT_IMAGE: "current image",
    InputName.PRIOR_IMAGE: "prior image",
    InputName.PRIOR_NOTES: "prior notes",
    InputName.INDICATION: "indication",
    InputName.STRUCTURED_VALUES: "lab and history values",
}
MISSING = {
    MissingReason.NOT_SENT: "not sent",
    MissingReason.NOT_ACQUIRED: "not acquired",
    MissingReason.EXCLUDED: "excluded",
    MissingReason.UNREADABLE: "unreadable",
}
DECISION = {
    Decision.KEPT: "Kept",
    Decision.REWORDED: "Reworded",
    Decision.CORRECTED: "Corrected",
    Decision.DELETED: "Deleted",
    Decision.ADDED: "Added",
}
REASON = {
    Reason.FALSE_POSITIVE: "False positive",
    Reason.WRONG_LOCATION: "Wrong location",
    Reason.WRONG_LATERALITY: "Wrong side",
    Reason.WRONG_SEVERITY: "Wrong severity",
    Reason.WRONG_PROGRESSION: "Wrong progression",
    Reason.MISSED_FINDING: "Missed finding",
    Reason.STYLE_ONLY: "Style only",
    Reason.NOT_RELEVANT: "Not relevant",
}


def status_words(status: CaseStatus, *, waits: bool, verdict: str | None) -> str:
    """Where a case stands, in words.

    Args:
        status: of the case.
        waits: whether its signed report must not become final before another reader agrees.
        verdict: what the second reader of that report said, None while nobody has read it.

    >>> status_words(CaseStatus.PRELIMINARY, waits=True, verdict=None)
    'Waits for a second reader'
    """
    if not waits:
        return STATUS[status]
    return "Second reader disagrees, to amend" if verdict == Verdict.DISAGREE else "Waits for a second reader"


def span(length: timedelta) -> str:
    """A length of time in its two largest units; "under a minute" below one.

    >>> [span(timedelta(seconds=s)) for s in (20, 150, 3 * 3600 + 240, 2 * 86400 + 3600)]
    ['under a minute', '2 min', '3 h 4 min', '2 d 1 h']
    """
    minutes = int(length.total_seconds() // 60)
    if minutes < 1:
        return "under a minute"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def clock(moment: datetime) -> str:
    """The time of day, UTC, to the second.

    >>> from datetime import UTC
    >>> clock(datetime(2026, 3, 1, 9, 5, 7, tzinfo=UTC))
    '09:05:07'
    """
    return moment.strftime("%H:%M:%S")


def draft_words(draft: Draft | None) -> str:
    """What became of the drafting, in words; a failure is never an empty report."""
    if draft is None:
        return "No draft yet"
    if draft.status is DraftStatus.FAILED and draft.failure is not None:
        return f"Draft failed ({draft.failure.kind.value.replace('_', ' ')})"
    if draft.status is DraftStatus.ABSTAINED:
        return "Model abstained"
    count = len(draft.report.sentences) if draft.report is not None else 0
    boxes = len(draft.report.boxes) if draft.report is not None else 0
    return f"{count} sentence{'' if count == 1 else 's'}, {boxes} box{'' if boxes == 1 else 'es'}"


def job_words(job: Job | None, *, now: datetime) -> str:
    """Where a drafting job stands, in words; "" for none, and for one whose draft says it better.

    >>> from datetime import UTC
    >>> nine = datetime(2026, 3, 1, 9, tzinfo=UTC)
    >>> job_words(Job("j", "c", "r", nine, Drafting(nine)), now=nine + timedelta(seconds=12))
    'Being drafted, 12 s so far'
    """
    match job.state if job is not None else None:
        case Queued(1):
            return "Waits for the model, next in line"
        case Queued(place):
            return f"Waits for the model, place {place} in line"
        case Drafting(since, attempt):
            again = " again after a fault" if attempt > 1 else ""
            return f"Being drafted{again}, {max(0, int((now - since).total_seconds()))} s so far"
        case Cancelled(by):
            return f"Drafting was cancelled by {by}"
        case Refused(message):
            return f"Not drafted: {message}"
    return ""


def missing_inputs(case: Case) -> tuple[str, ...]:
    """Each missing input with its reason, in words."""
    return tuple(
        f"{INPUT[state.name]}: {MISSING[state.missing_reason]}"
        for state in case.inputs
        if state.missing_reason is not None
    )


def patient_line(case: Case) -> str:
    """Age, sex, view and site of a case as one line; what is unknown is left out.

    >>> from datetime import UTC
    >>> patient_line(Case("c", "p", datetime(2026, 1, 1, tzinfo=UTC), CaseStatus.ABSTAINED, None, age_years=64,
    ...     sex="F", abstention="a leg"))
    '64 y · F'
    """
    image = case.image
    parts = (
        f"{case.age_years} y" if case.age_years is not None else None,
        case.sex,
        f"{image.modality} {image.view_position or 'view not stated'}" if image else None,
        "simulated image" if image and image.simulated else None,
        case.site,
    )
    return " · ".join(part for part in parts if part)
