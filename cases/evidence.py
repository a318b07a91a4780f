"""What was measured of a draft, sentence by sentence, and what the written rules made of it: kept once, for ever.

A draft can be read without it: "evidence not measured". Within it, None is "not measured", never zero; an empty tuple
is "looked for, and there is none". Not here: how anything is measured (`vlm.explain`), and what a blocking trigger
blocks (`cases.store`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cases.draft import StageSeconds
from grounding.attribution import Attribution
from grounding.check import Violation
from grounding.confidence import Confidence
from grounding.conflict import Conflict
from grounding.contradiction import Contradiction
from grounding.copied import CopiedText
from grounding.heatmap import Heatmap
from grounding.injection import Injection
from grounding.redraft import SentenceChange
from grounding.triggers import Action, Trigger, strongest


@dataclass(frozen=True, slots=True)
class SentenceEvidence:
    """What was measured of one drafted sentence.

    Attributes:
        sentence: its index in the draft.
        attribution: which inputs drove it; None where the model cannot score given words.
        without_notes, without_image: what changes at this sentence when the draft is written again without notes and
            values or without the images; None where it was not written again.
        conflicts: where image and notes disagree about it; None where there are notes and that was not looked for.
        copied_share: share of its words that stand in a prior note, 0 to 1; None without a note.
        confidence: how sure it is; None where the model cannot say.
        heatmap: where the model looked; None without an image, or where it cannot say.
        violations: rules of `grounding.check` that it breaks.
    """

    sentence: int
    attribution: Attribution | None = None
    without_notes: tuple[SentenceChange, ...] | None = None
    without_image: tuple[SentenceChange, ...] | None = None
    conflicts: tuple[Conflict, ...] | None = ()
    copied_share: float | None = None
    confidence: Confidence | None = None
    heatmap: Heatmap | None = None
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftEvidence:
    """What was measured of one draft.

    Attributes:
        evidence_id: opaque, unique.
        created: UTC.
        sentences: one for each drafted sentence, in order.
        conflicts_unplaced: conflicts about what only the notes or only the image-only draft state.
        contradictions: among the notes themselves.
        copied: notes that copy earlier notes forward.
        injections: instructions that stand where only data should.
        unlikeness: how unlike the training data the input is; None where it was not measured.
        missing: inputs that were not there, by `cases.study.InputName`.
        triggers: what the written rules made of it.
        protocol_sha256: of the file in which those rules stood.
        seconds: per stage.
        quantization_changes: how many sentences the same model drafts otherwise with fewer bits; None where it was not
            asked to.
        appearing_without_notes, appearing_without_image: sentences that only the draft without them has.
    """

    evidence_id: str
    draft_id: str
    case_id: str
    created: datetime
    sentences: tuple[SentenceEvidence, ...]
    protocol_sha256: str
    conflicts_unplaced: tuple[Conflict, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    copied: tuple[CopiedText, ...] = ()
    injections: tuple[Injection, ...] = ()
    unlikeness: float | None = None
    missing: tuple[str, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    seconds: tuple[StageSeconds, ...] = ()
    appearing_without_notes: tuple[SentenceChange, ...] | None = None
    appearing_without_image: tuple[SentenceChange, ...] | None = None
    quantization_changes: int | None = None

    def __post_init__(self) -> None:
        """Refuse a naive time, sentences out of order, and a trigger on a sentence that is not there."""
        if self.created.tzinfo is None:
            msg = f"times are timezone-aware UTC: created={self.created.isoformat()}"
            raise ValueError(msg)
        if tuple(one.sentence for one in self.sentences) != tuple(range(len(self.sentences))):
            msg = f"one evidence a sentence, in order: {[one.sentence for one in self.sentences]}"
            raise ValueError(msg)
        beyond = [
            t.rule_id for t in self.triggers if t.sentence is not None and not 0 <= t.sentence < len(self.sentences)
        ]
        if beyond:
            msg = f"a trigger is on one of the {len(self.sentences)} sentences or on the whole: {beyond}"
            raise ValueError(msg)

    @property
    def action(self) -> Action | None:
        """The most that its triggers ask for, None when there are none."""
        return strongest(self.triggers)

    @property
    def blocking(self) -> tuple[Trigger, ...]:
        """The triggers that keep a report from *final* until a second reader agrees."""
        return tuple(trigger for trigger in self.triggers if trigger.action is Action.BLOCK)

    def triggers_of(self, sentence: int | None) -> tuple[Trigger, ...]:
        """The triggers on a sentence; for None, those on the draft as a whole."""
        return tuple(trigger for trigger in self.triggers if trigger.sentence == sentence)
