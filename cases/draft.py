"""A draft: what a model made of a case, once, for ever: a report, a failure or an abstention, nothing in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from grounding.placement import Placement
from grounding.report import GroundedReport


class DraftStatus(StrEnum):
    """How a drafting attempt ended."""

    OK = "ok"
    FAILED = "failed"
    ABSTAINED = "abstained"


class FailureKind(StrEnum):
    """Why a draft failed; each is counted in the open beside every rate."""

    PARSE = "parse"
    CRASH = "crash"
    TIMEOUT = "timeout"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    REPEATING = "repeating"
    NON_FINITE = "non_finite"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure's kind and its message in words (no identifiers, no traceback)."""

    kind: FailureKind
    message: str


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Exactly which model wrote a draft.

    Attributes:
        model_id, revision: name, and SHA-256 of the weights (for a served model, what the site declares).
        quantization: none, int8, nf4 or nf4-double.
        dtype: compute dtype, for example "float32".
        prompt_hash: SHA-256 of the prompt template.
        codec: name and version, for example "overread-cells@1".
        seed: of the decoder; greedy decoding has seed 0.
        versions: "package==version" of what computed it.
        self_test: what the model's coordinate self-test said when it drafted, in one line; None where none was taken.
    """

    model_id: str
    revision: str
    quantization: str
    dtype: str
    prompt_hash: str
    codec: str
    seed: int = 0
    versions: tuple[str, ...] = ()
    self_test: str | None = None


@dataclass(frozen=True, slots=True)
class StageSeconds:
    """How long a stage took, in seconds."""

    stage: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Draft:
    """An immutable draft.

    Attributes:
        draft_id: opaque, unique.
        created: UTC.
        report: present exactly when the status is ok.
        failure: present exactly when the status is failed.
        abstention: present exactly when the status is abstained.
        raw_text: what the model answered, kept in every case ("" when it never answered).
        placement: how the image was laid into the model's input, None when it never was.
        box_scores: the model's own probability of each box's tokens, in the order of `report.boxes`.
        seconds: per stage.
    """

    draft_id: str
    case_id: str
    created: datetime
    status: DraftStatus
    model: ModelIdentity
    raw_text: str
    report: GroundedReport | None = None
    failure: Failure | None = None
    abstention: str | None = None
    placement: Placement | None = None
    box_scores: tuple[float, ...] = ()
    seconds: tuple[StageSeconds, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a status that its contents do not bear out."""
        given = (self.report is not None, self.failure is not None, self.abstention is not None)
        wanted = {
            DraftStatus.OK: (True, False, False),
            DraftStatus.FAILED: (False, True, False),
            DraftStatus.ABSTAINED: (False, False, True),
        }[self.status]
        if given != wanted:
            msg = f"a draft is a report, a failure or an abstention, as its status says: {self.status}, {given}"
            raise ValueError(msg)
        if self.created.tzinfo is None:
            msg = f"times are timezone-aware UTC: created={self.created.isoformat()}"
            raise ValueError(msg)
        if self.report is not None and len(self.box_scores) not in (0, len(self.report.boxes)):
            msg = f"one score a box: {len(self.box_scores)} scores, {len(self.report.boxes)} boxes"
            raise ValueError(msg)
