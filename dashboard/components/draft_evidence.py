"""What was measured of a draft as a whole: what asks for a second reader, what was missing, what the inputs hide.

Drawn below the head of a case, above the sentences. Untrusted text is quoted and escaped, never followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import streamlit as st

from cases.evidence import DraftEvidence
from cases.study import InputName
from cases.untrusted import untrusted_texts
from dashboard.components.evidence_signs import conflict_html, informing_html, sign, trigger_html
from dashboard.components.evidence_views import change_words
from dashboard.desk import Desk
from dashboard.evidence_words import NO_EVIDENCE, NOT_MEASURED, percent, source_words
from dashboard.markup import chip, plain
from dashboard.words import INPUT
from grounding.contradiction import Contradiction
from grounding.injection import Injection
from grounding.rationale import CONFLICT_WORDS, joined
from grounding.report import GroundedReport
from grounding.triggers import Action, FactName
from vlm.limitations import FORBIDS

LONGEST_QUOTE = 160  # characters of a flagged text; the rest stands in the notes below
MOST_TOLD = 12  # of one kind of thing, word for word: whoever reads twelve knows what is the matter
FEW = 4  # ids that a chip can hold
LEGEND = (
    "Bars: each input's share of what moved the probability of the sentence. Hatched: it speaks against the sentence."
)


def draft_evidence(desk: Desk) -> None:
    """Draw it; nothing where no sentence was drafted."""
    if desk.draft is None or desk.draft.report is None:
        return
    if desk.evidence is None:
        st.html(f'<div class="or-draft">{sign("Evidence not measured:", plain(NO_EVIDENCE))}</div>')
        return
    st.html(draft_html(desk.evidence, desk.draft.report, texts=untrusted_texts(desk.case)))


def draft_html(evidence: DraftEvidence, report: GroundedReport, *, texts: Mapping[str, str]) -> str:
    """All that concerns the draft as a whole: what is the case at a glance, and what was said word for word below it.

    Args:
        evidence: as stored.
        report: the draft's, for its limitations.
        texts: the untrusted texts of the case by their source, to quote what was flagged.
    """
    words = "".join(
        (
            *_injections(evidence.injections, texts),
            *(_contradiction(one) for one in evidence.contradictions),
            *(conflict_html(one) for one in evidence.conflicts_unplaced),
            *_copied(evidence),
            *_appearing(evidence),
        )
    )
    return (
        f'<div class="or-draft"><div><b>Evidence of this draft</b> {"".join(_flags(evidence))}</div>'
        f"{''.join(_asked(evidence))}{informing_html(evidence.triggers_of(None))}{''.join(_limits(evidence, report))}"
        + (f'<details class="or-more"><summary>Word for word</summary>{words}</details>' if words else "")
        + f'<div class="or-sure">{_unlike(evidence)} {plain(LEGEND)}</div></div>'
    )


def _flags(evidence: DraftEvidence) -> Iterator[str]:
    """A chip for each kind of thing that was found in the inputs; one that says so where nothing was."""
    sources = tuple(dict.fromkeys(source_words(one.source) for one in evidence.injections))
    about = tuple(dict.fromkeys(CONFLICT_WORDS[one.kind] for one in evidence.contradictions))
    unplaced = len(evidence.conflicts_unplaced)
    flags = (
        (f"Text that addresses the model in {joined(sources)}" if sources else "", "bad"),
        (f"Notes contradict each other on {joined(about)}" if about else "", "warn"),
        (f"{unplaced} conflict{'' if unplaced == 1 else 's'} that no sentence states" if unplaced else "", "warn"),
        (
            f"{_notes_named([one.note_id for one in evidence.copied])} copied forward" if evidence.copied else "",
            "plain",
        ),
        ("The image is unlike the training images" if _is_unlike(evidence) else "", "warn"),
        ("More is drafted without an input" if any(_appearing(evidence)) else "", "plain"),
    )
    told = [chip(words, kind) for words, kind in flags if words]
    yield from told or (chip("nothing in the inputs is flagged", "good"),)


def _asked(evidence: DraftEvidence) -> Iterator[str]:
    """What asks for a second reader: the draft's own triggers, and which sentences have theirs."""
    for action in (Action.BLOCK, Action.SECONDARY_REVIEW):
        yield from (trigger_html(one) for one in evidence.triggers_of(None) if one.action is action)
    for action, heading, kind in (
        (Action.BLOCK, "Not final before a second reader signs:", "bad"),
        (Action.SECONDARY_REVIEW, "A second reader is asked for:", "warn"),
    ):
        found = {one.sentence for one in evidence.triggers if one.action is action and one.sentence is not None}
        if found:
            numbers = joined([str(index + 1) for index in sorted(found)])
            yield sign(heading, f"by sentence {numbers}; the rule stands beside it.", kind=kind)


def _injections(found: Sequence[Injection], texts: Mapping[str, str]) -> Iterator[str]:
    """What was flagged, source by source, quoted from the text where there is one."""
    for source in dict.fromkeys(one.source for one in found):
        here = [one for one in found if one.source == source]
        told = "; ".join(_quoted(one, texts.get(source, "")) for one in here[:MOST_TOLD])
        yield sign(f"Text that addresses the model in {source_words(source)}:", told + _more(len(here)), kind="bad")


def _more(count: int) -> str:
    return f"; and {count - MOST_TOLD} more" if count > MOST_TOLD else ""


def _notes_named(note_ids: Sequence[str]) -> str:
    return joined(note_ids) if len(note_ids) <= FEW else f"{len(note_ids)} notes"


def _quoted(found: Injection, text: str) -> str:
    quote = text[found.start : found.end].strip(" .,;:\n") if found.start is not None else ""
    cut = f"{quote[:LONGEST_QUOTE]}…" if len(quote) > LONGEST_QUOTE else quote
    return f"{f'“{plain(cut)}” ' if cut else ''}<code>{plain(found.pattern)}</code>"


def _contradiction(found: Contradiction) -> str:
    told = " against ".join(f"{plain(one.note_id)} “{plain(one.quote)}”" for one in (found.first, found.second))
    return sign(f"Notes contradict each other on {CONFLICT_WORDS[found.kind]}:", told, kind="warn")


def _limits(evidence: DraftEvidence, report: GroundedReport) -> Iterator[str]:
    """What was missing or unread and what that forbids; the report's own words where it has them."""
    said = report.limitations
    lines = (*said, *(_missing(name) for name in evidence.missing if not _spoken_of(name, said)))
    if lines:
        yield sign("Missing or not read:", plain(" ".join(lines)), kind="warn")


def _spoken_of(name: str, said: tuple[str, ...]) -> bool:
    return any(line.lower().startswith(name.replace("_", " ")) for line in said)


def _missing(name: str) -> str:
    if name not in set(InputName):  # written by a later version
        return f"{name}: missing."
    words = INPUT[InputName(name)]
    return f"{words[0].upper()}{words[1:]}: missing: {FORBIDS[InputName(name)]}."


def _copied(evidence: DraftEvidence) -> Iterator[str]:
    for one in evidence.copied[:MOST_TOLD]:
        body = f"{percent(one.share)} of {plain(one.note_id)} stands word for word in {plain(one.source_note_id)}."
        yield sign("Copied note:", body)
    if len(evidence.copied) > MOST_TOLD:
        yield sign("Copied notes:", f"{len(evidence.copied) - MOST_TOLD} more.")


def _appearing(evidence: DraftEvidence) -> Iterator[str]:
    for heading, changes in (
        ("Only without notes and values:", evidence.appearing_without_notes),
        ("Only without the images:", evidence.appearing_without_image),
    ):
        if changes:
            yield sign(heading, "; ".join(change_words(change) for change in changes))


def _unlike(evidence: DraftEvidence) -> str:
    """Whether the case is unlike the training data: a rule sets the threshold, so the flag itself is a trigger."""
    if evidence.unlikeness is None:
        return f"Unlike the training images: {NOT_MEASURED}."
    verdict = "a written rule flags it" if _is_unlike(evidence) else "no written rule flags it"
    return f'<span title="score {evidence.unlikeness:.2f}">Unlike the training images: {verdict}.</span>'


def _is_unlike(evidence: DraftEvidence) -> bool:
    return any(one.fact is FactName.UNLIKE_TRAINING for one in evidence.triggers)
